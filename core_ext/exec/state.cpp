#include "exec/state.h"

#include <new>
#include <stdexcept>
#include <utility>

#include "exec/checked.h"
#include "exec/fork.h"
#include "exec/memory_limit.h"

namespace labkit {
namespace {

thread_local State::Hold* innermost = nullptr;

constexpr int64_t kLarge = int64_t(64) << 20, kFarTooLarge = 4;  // bytes; times what a run needs
constexpr int kRunsKept = 16;                                    // for a program that takes turns

}  // namespace

State::Hold::Hold(State& state, bool exclusive, Interrupt& interrupt)
    : state_(state), exclusive_(exclusive), outer_(innermost) {
    for (Hold* hold = outer_; hold; hold = hold->outer_)
        if (&hold->state_ == &state && (exclusive || hold->exclusive_))
            throw std::logic_error(
                "a run of this session is under way in this thread, which a signal handler or a function that the run calls cannot start "
                "another one in");
    std::unique_lock<std::mutex> lock(runtime_mutex());
    auto free = [&] {
        if ((state.writer_ || state.readers_) && state.generation_ != fork_generation())
            throw std::logic_error(
                "the process was forked while another thread ran this session; the child cannot use it");
        bool nested = outer_ != nullptr;  // a nested reader that waited for a waiting writer would wait for itself
        return !state.writer_ && (exclusive ? !state.readers_ : nested || !state.waiting_writers_);
    };
    while (!free()) {
        state.waiting_writers_ += exclusive;
        state.changed_.wait_for(lock, Interrupt::kInterval);
        state.waiting_writers_ -= exclusive;
        lock.unlock();
        bool stop = interrupt.check();
        lock.lock();
        if (stop) {
            state.changed_.notify_all();  // readers may have waited for this writer
            return;
        }
    }
    state.generation_ = fork_generation();
    (exclusive ? state.writer_ = true : static_cast<bool>(++state.readers_));
    held_ = true;
    innermost = this;
}

bool State::Hold::is_held(const State& state, bool exclusive) {
    for (const Hold* hold = innermost; hold; hold = hold->outer_)
        if (&hold->state_ == &state && (hold->exclusive_ || !exclusive)) return true;
    return false;
}

State::Hold::~Hold() {
    if (!held_) return;
    innermost = outer_;
    std::lock_guard<std::mutex> lock(runtime_mutex());
    if (exclusive_)
        state_.writer_ = false;
    else
        --state_.readers_;
    state_.changed_.notify_all();
}

Buffer State::take_arena(int64_t bytes, int64_t beside) {
    Buffer arena;
    {
        std::lock_guard<std::mutex> lock(runtime_mutex());
        if (!arenas_.empty()) {
            arena = std::move(arenas_.back());
            arenas_.pop_back();
        }
        const bool too_large = arena.size() >= kLarge && arena.size() / kFarTooLarge > bytes;
        too_large_ = too_large ? too_large_ + 1 : 0;
        if (too_large_ > kRunsKept) arena = Buffer();
    }
    if (arena.size() < bytes) {
        arena = Buffer();  // free the small one first
        need_memory(bytes + beside);
        arena = Buffer(bytes);
    }
    return arena;
}

void State::give_arena(Buffer arena) noexcept {
    std::lock_guard<std::mutex> lock(runtime_mutex());
    try {
        arenas_.push_back(std::move(arena));
    } catch (const std::bad_alloc&) {
        // Then the arena is freed here, and the next run makes another.
    }
}

Cell::Cell(std::shared_ptr<State> state, const View& type)
    : state_(std::move(state)), view_(type), bytes_(checked_bytes(type)), buffer_(bytes_) {
    view_.data = buffer_.data();
}

}  // namespace labkit
