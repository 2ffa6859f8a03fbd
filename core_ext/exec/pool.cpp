#include "exec/pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "exec/cpus.h"
#include "exec/denormals.h"

namespace labkit {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSpin =
    std::chrono::microseconds(40);  // waking a sleeping thread takes 90-290 us, a spinning one 0.2 us

inline void pause_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Spins until `ready` or for about `time`; says whether it became ready.
template <class Ready>
bool spin(Ready ready, std::chrono::microseconds time) {
    for (int i = 0; i < 64; ++i) {
        if (ready()) return true;
        pause_cpu();
    }
    for (auto end = Clock::now() + time; Clock::now() < end;)
        for (int i = 0; i < 32; ++i) {
            if (ready()) return true;
            pause_cpu();
        }
    return false;
}

// The tasks that a thread has to do, [begin, end). It takes them from the front; others, when they have done theirs, take them
// from the back. So where jobs follow one another that have as many tasks, a thread meets the same part of the data again, which
// lies in its caches.
class alignas(64) Share {
   public:
    void set(int64_t begin, int64_t end) { both_.store(pack(begin, end), std::memory_order_relaxed); }

    // The next task for the thread whose share it is, or for another one; -1 when there is none left.
    int64_t take(bool own) {
        uint64_t both = both_.load(std::memory_order_relaxed);
        for (;;) {
            const int64_t begin = static_cast<uint32_t>(both), end = static_cast<int64_t>(both >> 32);
            if (begin == end) return -1;
            if (both_.compare_exchange_weak(both, own ? pack(begin + 1, end) : pack(begin, end - 1), std::memory_order_relaxed))
                return own ? begin : end - 1;
        }
    }

   private:
    static uint64_t pack(int64_t begin, int64_t end) { return static_cast<uint64_t>(end) << 32 | static_cast<uint64_t>(begin); }
    std::atomic<uint64_t> both_{0};
};
constexpr int64_t kJobTasks = int64_t(1) << 31;  // as many as a share can count; more are several jobs

struct alignas(64) Worker {
    std::thread thread;
    std::mutex mutex;
    std::condition_variable woken;
    std::atomic<bool> asleep{false};
    std::atomic<bool> stop{false};

    void wake() {
        {
            std::lock_guard<std::mutex> lock(mutex);
            asleep.store(false);
        }
        woken.notify_one();
    }
};

class Pool {
   public:
    explicit Pool(int cores) : cores_(cores) {}

    // Returns false, having done nothing, when another thread has the workers.
    bool run(int64_t tasks, int threads, Task task, void* context) {
        Turn turn(busy_);
        if (!turn.mine) return false;
        grow(threads - 1);
        task_ = task;
        context_ = context;
        threads_ = threads;
        for (first_ = 0; first_ < tasks; first_ += kJobTasks) run_job(std::min(tasks - first_, kJobTasks));
        return true;
    }

    // Ends workers beyond `count`; while a job runs it leaves them, asleep until somebody wants them.
    void shrink(int count) {
        Turn turn(busy_);
        while (turn.mine && static_cast<int>(workers_.size()) > count) {
            Worker& last = *workers_.back();
            last.stop.store(true);
            last.wake();
            last.thread.join();
            workers_.pop_back();
        }
    }

   private:
    static constexpr uint32_t kOpen = uint32_t(1) << 31;

    // Not a mutex: a signal handler may compute inside a task of the very thread whose job runs.
    struct Turn {
        std::atomic<bool>& busy;
        bool mine;
        explicit Turn(std::atomic<bool>& flag) : busy(flag), mine(!flag.exchange(true)) {}
        ~Turn() {
            if (mine) busy.store(false);
        }
    };

    void run_job(int64_t tasks) {
        for (int64_t t = 0; t < threads_; ++t) shares_[t].set(tasks * t / threads_, tasks * (t + 1) / threads_);
        gate_.fetch_or(kOpen);
        posted_.fetch_add(1);
        for (int i = 0; i < threads_ - 1 && i < static_cast<int>(workers_.size()); ++i)
            if (workers_[i]->asleep.load()) workers_[i]->wake();
        work(0);
        // Workers that have not come yet find the gate closed; those inside finish the task they have.
        gate_.fetch_and(~kOpen);
        auto empty = [&] { return gate_.load(std::memory_order_acquire) == 0; };
        while (!spin(empty, spin_time_)) std::this_thread::yield();
    }

    // Spinning beside more threads than cores would only take time from those that work.
    void grow(int count) {
        spin_time_ = count < cores_ ? kSpin : std::chrono::microseconds(0);
        if (static_cast<int>(workers_.size()) >= count) return;
        sigset_t all, before;  // signals are for the threads of the program, not for ours
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            while (static_cast<int>(workers_.size()) < count) {
                auto worker = std::make_unique<Worker>();
                Worker* self = worker.get();
                int index = static_cast<int>(workers_.size());
                workers_.reserve(workers_.size() + 1);
                worker->thread = std::thread([this, self, index] { serve(*self, index); });
                workers_.push_back(std::move(worker));
            }
        } catch (const std::exception&) {
            // The system gives no more threads: those that exist, or the caller alone, do the work.
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void serve(Worker& self, int index) {
        FlushDenormals flush;
        uint64_t seen = 0;  // a worker that is born during a job may join it
        while (!self.stop.load(std::memory_order_relaxed)) {
            auto posted = [&] { return posted_.load() != seen || self.stop.load(std::memory_order_relaxed); };
            if (!spin(posted, spin_time_)) {
                std::unique_lock<std::mutex> lock(self.mutex);
                self.asleep.store(true);
                if (!posted()) self.woken.wait(lock, [&] { return !self.asleep.load(); });
                self.asleep.store(false);
                continue;
            }
            seen = posted_.load();
            if ((gate_.fetch_add(1) & kOpen) && index < threads_ - 1) work(index + 1);
            gate_.fetch_sub(1);
        }
    }

    void work(int thread) {
        for (int k = 0; k < threads_; ++k)
            for (int64_t i; (i = shares_[(thread + k) % threads_].take(k == 0)) >= 0;) task_(context_, first_ + i, thread);
    }

    const int cores_;
    std::atomic<bool> busy_{false};  // some caller's job has the workers
    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<std::chrono::microseconds> spin_time_{kSpin};
    // The job. Written while the gate is closed and nobody is inside.
    Task task_ = nullptr;
    void* context_ = nullptr;
    int64_t first_ = 0;  // the task that its shares call 0
    int threads_ = 1;
    Share shares_[kMaxThreads];
    alignas(64) std::atomic<uint64_t> posted_{0};  // jobs so far
    alignas(64) std::atomic<uint32_t> gate_{0};    // kOpen while a job may be joined, plus the number of workers inside
};

// Never destroyed: at exit its threads sleep until the process ends.
std::atomic<Pool*> the_pool{nullptr};
std::atomic<int> thread_count{0};

Pool* pool() {  // nullptr where there is no memory for one
    Pool* found = the_pool.load();
    if (found) return found;
    try {
        auto fresh = std::make_unique<Pool>(usable_cores());
        return the_pool.compare_exchange_strong(found, fresh.get()) ? fresh.release() : found;
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace

void parallel_for(int64_t tasks, int threads, Task task, void* context) noexcept {
    if (threads > kMaxThreads) threads = kMaxThreads;
    if (threads > tasks) threads = static_cast<int>(tasks);
    if (threads > 1)
        if (Pool* workers = pool(); workers && workers->run(tasks, threads, task, context)) return;
    for (int64_t i = 0; i < tasks; ++i) task(context, i, 0);
}

void abandon_pool() noexcept { the_pool.store(nullptr); }

int get_num_threads() {
    int count = thread_count.load();
    if (!count) thread_count.store(count = default_threads());
    return count;
}

void set_num_threads(int count) {
    if (count < 1 || count > kMaxThreads)
        throw std::invalid_argument("the number of threads is from 1 to " + std::to_string(kMaxThreads) +
                                    ", received " + std::to_string(count));
    thread_count.store(count);
    if (Pool* existing = the_pool.load()) existing->shrink(count - 1);
}

}  // namespace labkit
