// Which kernel tables this build has, which of them this CPU can run, and which one is used.
#pragma once
#include <string>
#include <vector>

#include "labkit/kernel.h"

namespace labkit {

// All kernels of one target.
struct KernelTable {
    const char* target;  // "portable", "avx2", ...
    std::vector<KernelEntry> entries;
};

// Tables this CPU can run, best first. `portable` is always the last.
const std::vector<const KernelTable*>& available_targets();

// The table with that name among the available ones; throws std::invalid_argument that lists the choices.
const KernelTable& target(const std::string& name);

// The table that LABKIT_TARGET names, or the best available one. Read once.
const KernelTable& active_target();

// The entry, or nullptr.
const KernelEntry* find_kernel(const KernelTable& table, const std::string& name);

}  // namespace labkit
