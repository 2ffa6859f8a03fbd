// How a run is stopped from outside: a question put to the host about every 50 ms, and a deadline.
#pragma once
#include <algorithm>
#include <chrono>

namespace labkit {

using Clock = std::chrono::steady_clock;

// Asks the host whether to go on; called on the thread that started the run, without any lock of the pool. Must not
// throw.
using Poll = bool (*)(void* context);

class Interrupt {
   public:
    enum class Reason { none, host, deadline };

    static constexpr auto kInterval = std::chrono::milliseconds(50);

    // `seconds` < 0: no deadline.
    explicit Interrupt(Poll poll = nullptr, void* context = nullptr, double seconds = -1)
        : poll_(poll), context_(context) {
        auto now = Clock::now();
        next_ = now + kInterval;
        if (seconds >= 0 && seconds < 1e9)
            deadline_ = now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        next_ = std::min(next_, deadline_);
    }

    // Whether the run is to stop. Once it is, it stays so, and the host is not asked again.
    bool check() {
        if (reason_ != Reason::none) return true;
        auto now = Clock::now();
        if (now < next_) return false;
        if (now >= deadline_)
            reason_ = Reason::deadline;
        else if (poll_ && !poll_(context_))
            reason_ = Reason::host;
        next_ = std::min(now + kInterval, deadline_);
        return reason_ != Reason::none;
    }

    Reason reason() const { return reason_; }

   private:
    Poll poll_;
    void* context_;
    Clock::time_point next_, deadline_ = Clock::time_point::max();
    Reason reason_ = Reason::none;
};

}  // namespace labkit
