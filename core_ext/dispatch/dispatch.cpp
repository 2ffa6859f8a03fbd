#include "dispatch/dispatch.h"

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <unordered_map>

#include "families.h"  // made by the build: LABKIT_FAMILIES(X, target) and LABKIT_TARGET_<NAME>

#define LABKIT_DECLARE(target, family) extern const labkit::KernelFamily labkit_kernels_##target##_##family;
extern "C" {
LABKIT_FAMILIES(LABKIT_DECLARE, portable)
LABKIT_FAMILIES(LABKIT_DECLARE, avx2)
LABKIT_FAMILIES(LABKIT_DECLARE, avx512)
LABKIT_FAMILIES(LABKIT_DECLARE, neon)
}

namespace labkit {
namespace {

const KernelTable* join(const char* target, std::initializer_list<const KernelFamily*> families) {
    static std::vector<std::unique_ptr<KernelTable>> tables;
    tables.push_back(std::make_unique<KernelTable>(KernelTable{target, {}}));
    for (const KernelFamily* family : families)
        for (int i = 0; i < family->count; ++i) tables.back()->entries.push_back(family->entries[i]);
    return tables.back().get();
}

}  // namespace

#define LABKIT_ADDRESS(target, family) &labkit_kernels_##target##_##family,
#define LABKIT_JOIN(target) join(#target, {LABKIT_FAMILIES(LABKIT_ADDRESS, target)})

const std::vector<const KernelTable*>& available_targets() {
    static const std::vector<const KernelTable*> tables = [] {
        std::vector<const KernelTable*> found;
#ifdef LABKIT_TARGET_AVX512
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl"))
            found.push_back(LABKIT_JOIN(avx512));
#endif
#ifdef LABKIT_TARGET_AVX2
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(LABKIT_JOIN(avx2));
#endif
#ifdef LABKIT_TARGET_NEON
        found.push_back(LABKIT_JOIN(neon));
#endif
        found.push_back(LABKIT_JOIN(portable));
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
            for (const KernelEntry& entry : t->entries) built[t][entry.name] = &entry;
        return built;
    }();
    auto entries = index.find(&table);
    if (entries == index.end()) return nullptr;
    auto entry = entries->second.find(name);
    return entry == entries->second.end() ? nullptr : entry->second;
}

}  // namespace labkit
