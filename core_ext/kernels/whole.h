// Operations of whole numbers that are not defined for every right operand.
#pragma once
#include "kernels/elementwise.inl"

namespace labkit {
namespace {

// The loops of Op::of, after a look at the right operands: one that Op::refuses makes the run fail, with its value. Op::of has
// some answer for it all the same, because another task may meet it before the one that looks at it.
template <class Op, class T>
Status run_whole(const Call& call, int phase, int64_t task) {
    const T* b = data<T>(call.in[1]);
    Range own = range_of(task, numel(call.in[1]));  // the result has at least as many elements
    bool refused = false;
    for (int64_t i = own.begin; i < own.end; ++i) refused |= Op::refuses(b[i]);
    if (refused)
        for (int64_t i = own.begin; i < own.end; ++i)
            if (Op::refuses(b[i])) return {Code::invalid_argument, static_cast<int64_t>(b[i]), 0};
    return Binary<Op, T, T>::run(call, phase, task);
}

#define LABKIT_WHOLE(X, name, Op)                                    \
    X(name ".i32", plan_elements, (run_whole<Op, int32_t>), true)    \
    X(name ".i64", plan_elements, (run_whole<Op, int64_t>), true)    \
    X(name ".u8", plan_elements, (run_whole<Op, uint8_t>), true)

}  // namespace
}  // namespace labkit
