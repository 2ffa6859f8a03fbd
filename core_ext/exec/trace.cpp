#include "exec/trace.h"

#include <new>

#include "exec/checked.h"

namespace labkit {

void Trace::Span::enter(const Instruction& instruction, const Call& call) noexcept {
    start_ = now();
    around_ = trace_->inside_;
    try {
        auto [found, is_new] = trace_->node_of_.try_emplace(&instruction, static_cast<int32_t>(trace_->nodes_.size()));
        if (is_new) {
            int64_t bytes = 0;
            for (int32_t i = 0; i < call.n_out; ++i) bytes += checked_bytes(call.out[i]);
            trace_->nodes_.push_back({&instruction, around_, bytes, start_});
        }
        node_ = found->second;
        trace_->inside_ = node_;
    } catch (const std::bad_alloc&) {
        trace_ = nullptr;  // the run goes on unmeasured
    }
}

void Trace::Span::leave() noexcept {
    trace_->inside_ = around_;
    int64_t duration = now() - start_;
    ++trace_->nodes_[node_].calls;
    trace_->nodes_[node_].duration += duration;
    try {
        if (trace_->events_.size() < kMostEvents)
            trace_->events_.push_back({node_, start_, duration});
        else
            ++trace_->dropped_;
    } catch (const std::bad_alloc&) {
        ++trace_->dropped_;
    }
}

}  // namespace labkit
