// How many threads this process may keep busy.
#pragma once

namespace labkit {

constexpr int kMaxThreads = 256;

// The cores this process may use: its affinity mask, cut by the CPU quota of its control group (versions 1 and 2).
int usable_cores();

// LABKIT_NUM_THREADS where it is set, else usable_cores(). Throws std::invalid_argument where it is no number from 1 to
// kMaxThreads.
int default_threads();

}  // namespace labkit
