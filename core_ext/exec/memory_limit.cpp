#include "exec/memory_limit.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "exec/cgroup.h"
#include "exec/checked.h"
#include "exec/memory.h"

namespace labkit {
namespace {

constexpr int64_t kAskFrom = int64_t(1) << 29;  // what is left is not asked for each run of a small model
constexpr int64_t kUnlimited = INT64_MAX;

struct Limited {
    ControlGroup group;
    int64_t limit;
};

int64_t number_in(const std::string& path, int64_t otherwise) {  // version 2 writes "max" where there is no limit
    std::ifstream file(path);
    int64_t value;
    return file >> value ? value : otherwise;
}

int64_t entry_in(const std::string& path, const std::string& name) {
    std::ifstream file(path);
    std::string word;
    for (int64_t value; file >> word >> value;)
        if (word == name) return value;
    return 0;
}

// The groups around this process that have a limit. Read once.
const std::vector<Limited>& limited_groups() {
    static const std::vector<Limited> groups = [] {
        std::vector<Limited> found;
        for (const ControlGroup& group : control_groups("memory")) {
            const char* file = group.v2 ? "/memory.max" : "/memory.limit_in_bytes";
            int64_t limit = number_in(group.folder + file, kUnlimited);
            if (limit < kMaxBytes) found.push_back({group, limit});  // version 1 writes a huge number for "none"
        }
        return found;
    }();
    return groups;
}

// What the group has in use and cannot give back: pages of files that nobody looked at lately can go.
int64_t in_use(const ControlGroup& group) {
    const std::string& folder = group.folder;
    int64_t used = number_in(folder + (group.v2 ? "/memory.current" : "/memory.usage_in_bytes"), 0);
    return used - entry_in(folder + "/memory.stat", group.v2 ? "inactive_file" : "total_inactive_file");
}

// The bytes that can be written before something on this machine has to give; kUnlimited where it does not tell.
int64_t machine_left() {
    std::ifstream told("/proc/meminfo");
    std::string name, unit;
    int64_t left = kUnlimited;
    for (int64_t kilobytes; told >> name >> kilobytes && std::getline(told, unit);) {
        if (name == "MemAvailable:") left = kilobytes * 1024;
        if (name == "SwapFree:" && left != kUnlimited) left += kilobytes * 1024;
    }
    return left;
}

}  // namespace

OutOfMemory::OutOfMemory(int64_t bytes, int64_t left, const char* whose)
    : text_(std::to_string(bytes) + " bytes, of which " + whose + " has " + std::to_string(std::max(left, int64_t(0))) +
            " left") {}

int64_t memory_limit() {
    static const int64_t limit = [] {
        const char* text = std::getenv("LABKIT_MEMORY_LIMIT");
        if (!text || !*text) return int64_t(-1);
        char* end;
        const long long number = std::strtoll(text, &end, 10);
        std::string unit = end;
        if (unit.size() == 2 && unit[1] == 'B') unit.pop_back();
        const int shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : unit.empty() ? 0 : -1;
        if (end == text || shift < 0 || number < 0 || number > kMaxBytes >> shift)
            throw std::invalid_argument(
                "LABKIT_MEMORY_LIMIT is a whole number of bytes, or one with K, M or G (KB, MB, GB: steps of 1,024) "
                "behind it, such as 1536M. Received: '" +
                std::string(text) + "'. Unset it to use the memory at hand.");
        return static_cast<int64_t>(number) << shift;
    }();
    return limit;
}

void need_memory(int64_t bytes) {
    if (const int64_t limit = memory_limit(); limit >= 0 && bytes > limit - held_bytes())
        throw OutOfMemory(bytes, limit - held_bytes(), "LABKIT_MEMORY_LIMIT");
    const std::vector<Limited>& groups = limited_groups();
    int64_t ask_from = kAskFrom;
    for (const Limited& group : groups) ask_from = std::min(ask_from, group.limit / 16);
    if (bytes < ask_from) return;
    if (const int64_t left = machine_left(); bytes > left) throw OutOfMemory(bytes, left, "the machine");
    for (const Limited& group : groups)
        if (const int64_t left = group.limit - in_use(group.group); bytes > left)
            throw OutOfMemory(bytes, left, "the control group of this process");
}

}  // namespace labkit
