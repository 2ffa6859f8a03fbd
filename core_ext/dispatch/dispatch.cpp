#include "dispatch/dispatch.h"

#include <cstdlib>
#include <stdexcept>
#include <unordered_map>

// The build defines LABKIT_TARGET_<NAME> for each table that it has.
extern "C" {
extern const labkit::KernelTable labkit_kernels_portable;
extern const labkit::KernelTable labkit_kernels_avx2;
extern const labkit::KernelTable labkit_kernels_avx512;
extern const labkit::KernelTable labkit_kernels_neon;
}

namespace labkit {

const std::vector<const KernelTable*>& available_targets() {
    static const std::vector<const KernelTable*> tables = [] {
        std::vector<const KernelTable*> found;
#ifdef LABKIT_TARGET_AVX512
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl"))
            found.push_back(&labkit_kernels_avx512);
#endif
#ifdef LABKIT_TARGET_AVX2
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&labkit_kernels_avx2);
#endif
#ifdef LABKIT_TARGET_NEON
        found.push_back(&labkit_kernels_neon);
#endif
        found.push_back(&labkit_kernels_portable);
        return found;
    }();
    return tables;
}

const KernelTable& target(const std::string& name) {
    std::string names;
    for (const KernelTable* table : available_targets()) {
        if (name == table->target) return *table;
        names += (names.empty() ? "" : ", ") + std::string(table->target);
    }
    throw std::invalid_argument("LABKIT_TARGET names a set of kernels that this machine can run. Received: '" + name +
                                "'. Choose one of " + names + ", or unset it to use the first.");
}

const KernelTable& active_target() {
    static const KernelTable& table = [&]() -> const KernelTable& {
        const char* name = std::getenv("LABKIT_TARGET");
        return name && *name ? target(name) : *available_targets().front();
    }();
    return table;
}

const KernelEntry* find_kernel(const KernelTable& table, const std::string& name) {
    static std::unordered_map<const KernelTable*, std::unordered_map<std::string, const KernelEntry*>> index = [] {
        decltype(index) built;
        for (const KernelTable* t : available_targets())
            for (int i = 0; i < t->count; ++i) built[t][t->entries[i].name] = &t->entries[i];
        return built;
    }();
    auto entries = index.find(&table);
    if (entries == index.end()) return nullptr;
    auto entry = entries->second.find(name);
    return entry == entries->second.end() ? nullptr : entry->second;
}

}  // namespace labkit
