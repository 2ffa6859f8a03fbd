// What a profiled run measures: how often and how long each instruction ran, and what it wrote.
#pragma once
#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "exec/plan.h"

namespace labkit {

class Trace {
   public:
    struct Node {
        const Instruction* instruction;
        int32_t parent;    // the node of the control instruction around it, or -1
        int64_t bytes;     // of its outputs, once
        int64_t start;     // of its first call
        int64_t calls = 0, duration = 0;  // of all calls; a control instruction's holds what runs inside
    };
    struct Event {
        int32_t node;
        int64_t start, duration;
    };

    static constexpr size_t kMostEvents = 1 << 16;  // of a long loop the first are kept; nodes count all

    // Nanoseconds of the steady clock.
    static int64_t now() { return Clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

    // Measures one call of an instruction while it lives. Without a trace it does nothing.
    class Span {
       public:
        Span(Trace* trace, const Instruction& instruction, const Call& call) : trace_(trace) {
            if (trace_) enter(instruction, call);
        }
        ~Span() {
            if (trace_) leave();
        }
        Span(const Span&) = delete;
        Span& operator=(const Span&) = delete;

       private:
        void enter(const Instruction& instruction, const Call& call) noexcept;
        void leave() noexcept;

        Trace* trace_;
        int32_t node_ = -1, around_ = -1;
        int64_t start_ = 0;
    };

    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<Event>& events() const { return events_; }
    int64_t dropped() const { return dropped_; }  // events beyond kMostEvents

   private:
    std::vector<Node> nodes_;
    std::vector<Event> events_;
    std::unordered_map<const Instruction*, int32_t> node_of_;
    int32_t inside_ = -1;
    int64_t dropped_ = 0;
};

}  // namespace labkit
