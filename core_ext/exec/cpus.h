// How many threads this process may keep busy.
#pragma once
#include <string>

namespace labkit {

constexpr int kMaxThreads = 256;

// The cores this process may use: its affinity mask, cut by the CPU quotas of its control groups (versions 1 and 2), of which
// half a core counts as one. `root` as in control_groups.
int usable_cores(const std::string& root = "");

// LABKIT_NUM_THREADS where it is set, else usable_cores(). Throws std::invalid_argument where it is no number from 1 to
// kMaxThreads.
int default_threads();

}  // namespace labkit
