// The thread pool: one for the process, started when the first call needs it, so that a process which has computed
// nothing in parallel may fork. The child of a fork that comes later starts a pool of its own.
#pragma once
#include <cstdint>

namespace labkit {

// One piece of parallel work. `thread` is 0 on the calling thread. Must not throw.
using Task = void (*)(void* context, int64_t task, int thread);

// Runs task(context, i, ...) for all 0 <= i < tasks on at most `threads` threads, the caller among them, in any order,
// and returns when all have run. Each thread begins with a contiguous share of its own, the same one in every job of as many
// tasks and threads, then helps others. While another thread has the pool's workers, the caller does all of its tasks alone.
// Denormals are flushed in the workers; the caller's own mode is the caller's business.
void parallel_for(int64_t tasks, int threads, Task task, void* context) noexcept;

// Forgets the pool: in the child of a fork its threads do not exist. The next call starts another.
void abandon_pool() noexcept;

// The number of threads that plans use. The first call of get_num_threads reads default_threads(), which may throw;
// set_num_threads throws std::invalid_argument for a count outside 1..kMaxThreads.
int get_num_threads();
void set_num_threads(int count);

}  // namespace labkit
