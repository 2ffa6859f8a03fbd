// The memory of one session: its variables' cells, the lock that runs take, and the arenas that runs borrow.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <vector>

#include "exec/interrupt.h"
#include "exec/memory.h"
#include "labkit/view.h"

namespace labkit {

class State {
   public:
    // Held shared by runs that only read cells, exclusively by those that write. Waiting is interruptible.
    class Hold {
       public:
        // Throws std::logic_error when this thread holds the state already and one of the two holds is exclusive (a
        // signal handler that starts a run inside a run), or when a fork took away the thread that held it.
        Hold(State& state, bool exclusive, Interrupt& interrupt);
        ~Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        bool held() const { return held_; }  // false: the interrupt came first

        // Whether this thread holds `state`, exclusively where that is asked.
        static bool is_held(const State& state, bool exclusive);

       private:
        State& state_;
        bool exclusive_, held_ = false;
        Hold* outer_;  // the hold that this thread took before
    };

    // A block of at least `bytes`, contents undefined; a run gives it back at its end. One that has been far too large for
    // some runs is freed. Throws std::bad_alloc, also where there would be no memory for the `beside` bytes that the run writes
    // its results to.
    Buffer take_arena(int64_t bytes, int64_t beside);
    void give_arena(Buffer arena) noexcept;

    // Asks all runs under way to stop; each run compares the count with what it was at its start.
    void cancel() { cancels_.fetch_add(1); }
    uint64_t cancels() const { return cancels_.load(); }

    // Asks the same of all runs to come.
    void close() { closed_.store(true); }
    bool closed() const { return closed_.load(); }

   private:
    std::atomic<uint64_t> cancels_{0};
    std::atomic<bool> closed_{false};
    int readers_ = 0, waiting_writers_ = 0;
    bool writer_ = false;
    uint64_t generation_ = 0;  // of the process that holds it
    std::condition_variable changed_;
    std::vector<Buffer> arenas_;
    int too_large_ = 0;  // runs in succession for which the arena was
};

// One variable's storage in one session.
class Cell {
   public:
    // `type` has the dtype and shape; throws std::invalid_argument for a bad shape, std::bad_alloc.
    Cell(std::shared_ptr<State> state, const View& type);

    const View& view() const { return view_; }
    int64_t bytes() const { return bytes_; }
    const std::shared_ptr<State>& state() const { return state_; }
    bool initialized() const { return initialized_.load(std::memory_order_acquire); }
    void mark_initialized(bool initialized = true) { initialized_.store(initialized, std::memory_order_release); }

   private:
    std::shared_ptr<State> state_;
    View view_;
    int64_t bytes_;
    Buffer buffer_;
    std::atomic<bool> initialized_{false};
};

}  // namespace labkit
