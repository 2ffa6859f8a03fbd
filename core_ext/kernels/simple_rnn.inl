// The simple recurrent layer over whole sequences (Elman, "Finding Structure in Time", 1990): h' = tanh(p + h U) or
// max(p + h U, 0), with p = x W + b.
#pragma once
#include "kernels/recurrent.h"

namespace labkit {
namespace {

// p [batch, steps, units], U, h[, mask] -> y, h'. ints: whether it is the maximum.

template <class T>
void plan_simple_rnn(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    r.plan(work, r.groups(), r.units, 0, r.block_size() * (r.padded(r.units) + r.NR));
}

template <class T>
void simple_rnn_step(const Recurrence<T>& r, const Call& call, Examples<T>& examples, int64_t t) {
    const T *projections = data<T>(call.in[0]), *panels = reinterpret_cast<const T*>(call.scratch);
    T *y = data<T>(call.out[0]), *h = data<T>(call.out[1]), *left = reinterpret_cast<T*>(call.local);
    const bool rectified = call.ints[0] != 0;
    const int64_t stride = r.padded(r.units);
    T *sums[kMostExamples], *after = left + r.block_size() * stride;
    examples.at(t);
    for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
        if (!examples.counts(b, t)) stand_still(y, b, t, r.steps, r.units);
    for (int64_t i = 0; i < examples.count; ++i) {
        copy_run(left + i * stride, h + examples.moving[i] * r.units, r.units);
        sums[i] = after + i * r.NR;
    }
    for (int64_t group = 0; group < r.groups(); ++group) {
        times_panel(left, stride, examples.count, r.units, panels + group * r.units * r.NR, sums, 0, r.columns(group));
        for (int64_t i = 0; i < examples.count; ++i) {
            const int64_t b = examples.moving[i], at = (b * r.steps + t) * r.units + group * r.NR;
            T *y_row = y + at, *h_row = h + b * r.units + group * r.NR, *sum = sums[i];
            each_vector<T>(r.columns(group), [=](int64_t u, auto n) LABKIT_BODY {
                const Vec<T> x = load_n(projections + at + u, n) + load_n(sum + u, n);
                const Vec<T> out = rectified ? (x <= 0 ? Vec<T>{} : x) : gate_tanh(x);
                store_n(y_row + u, out, n);
                store_n(h_row + u, out, n);
            });
        }
    }
}

template <class T>
Status run_simple_rnn(const Call& call, int phase, int64_t task) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    if (phase == 0) {
        pack_gate(r, data<T>(call.in[1]), task, reinterpret_cast<T*>(call.scratch));
        return {};
    }
    Examples<T> examples(r, task, call.n_in > 3 ? &call.in[3] : nullptr);
    if (phase == 1) examples.begin(data<T>(call.out[1]), data<T>(call.in[2]), r.units);
    const Range steps = r.steps_of(phase);
    for (int64_t t = steps.begin; t < steps.end; ++t) simple_rnn_step(r, call, examples, t);
    return {};
}

// y, U, h, dh'[, dy][, mask] -> dp, h before each step, dh. ints: whether it is the maximum, whether there is dy. What arrives at
// the steps before stands in dh all the while.

template <class T>
void plan_simple_rnn_grad(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    r.plan(work, r.groups(), r.width, r.batch * r.units, r.block_size() * r.padded(r.width));
}

template <class T>
void simple_rnn_step_back(const Recurrence<T>& r, const Call& call, Examples<T>& examples, const Arriving<T>& arriving, int64_t t,
                          const int64_t* first) {
    const T *y = data<T>(call.in[0]), *panels = reinterpret_cast<const T*>(call.scratch);
    T *dp = data<T>(call.out[0]), *dh = data<T>(call.out[2]), *left = reinterpret_cast<T*>(call.local), *to[kMostExamples];
    const bool rectified = call.ints[0] != 0;
    const int64_t stride = r.padded(r.width);
    examples.at(t);
    states_before(examples, t, first, y, data<T>(call.in[2]), r.units, data<T>(call.out[1]));
    for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
        if (!examples.counts(b, t)) {
            arriving.add(b, t);
            zero_run(dp + (b * r.steps + t) * r.units, r.units);
        }
    for (int64_t i = 0; i < examples.count; ++i) {
        const int64_t b = examples.moving[i], at = (b * r.steps + t) * r.units;
        const T* more = arriving.row(b, t);
        T *dh_row = dh + b * r.units, *row = left + i * stride;
        each_vector<T>(r.units, [=](int64_t u, auto n) LABKIT_BODY {
            Vec<T> d = load_n(dh_row + u, n);
            if (more) d = d + load_n(more + u, n);
            const Vec<T> out = load_n(y + at + u, n), x = rectified ? (out > 0 ? d : Vec<T>{}) : d * (1 - out * out);
            store_n(dp + at + u, x, n);
            store_n(row + u, x, n);
        });
        arriving.taken(b);
        to[i] = dh_row;
    }
    for (int64_t group = 0; group < r.groups(); ++group)
        times_panel(left, stride, examples.count, r.width, panels + group * r.width * r.NR, to, group * r.NR, r.columns(group));
}

template <class T>
Status run_simple_rnn_grad(const Call& call, int phase, int64_t task) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    T* packed = reinterpret_cast<T*>(call.scratch);
    if (phase == 0) {
        pack_units(r, data<T>(call.in[1]), task, packed);
        return {};
    }
    const int64_t place = call.ints[1] ? 5 : 4;
    const View* mask = call.n_in > place ? &call.in[place] : nullptr;
    const Arriving<T> arriving{call.ints[1] ? data<T>(call.in[4]) : nullptr, mask ? packed + r.groups() * r.width * r.NR : nullptr,
                               r.steps, r.units};
    Examples<T> examples(r, task, mask);
    if (phase == 1) {
        examples.begin(data<T>(call.out[2]), data<T>(call.in[3]), r.units);
        arriving.begin(examples.all);
    }
    int64_t first[kMostExamples];
    examples.first_steps(first);
    const Range steps = r.steps_back(phase);
    for (int64_t t = steps.end - 1; t >= steps.begin; --t) simple_rnn_step_back(r, call, examples, arriving, t, first);
    return {};
}

#define LABKIT_SIMPLE_RNN_KERNELS(X)                                                          \
    X("simple_rnn.f32", plan_simple_rnn<float>, run_simple_rnn<float>, true)                  \
    X("simple_rnn.f64", plan_simple_rnn<double>, run_simple_rnn<double>, true)                \
    X("simple_rnn_grad.f32", plan_simple_rnn_grad<float>, run_simple_rnn_grad<float>, true)   \
    X("simple_rnn_grad.f64", plan_simple_rnn_grad<double>, run_simple_rnn_grad<double>, true)

}  // namespace
}  // namespace labkit
