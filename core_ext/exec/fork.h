// What a fork must find in order. The child keeps one thread of its parent: the pool is forgotten, and no short lock is
// left behind locked.
#pragma once
#include <cstdint>
#include <mutex>

namespace labkit {

// Guards the executor's short critical sections (free lists, the fields of a lock); held for moments only, and over a
// fork.
std::mutex& runtime_mutex();

// How many forks lie between the process that loaded this library and this one.
uint64_t fork_generation();

}  // namespace labkit
