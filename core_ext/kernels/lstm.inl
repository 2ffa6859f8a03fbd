// LSTM over whole sequences (Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of Gers,
// Schmidhuber and Cummins, "Learning to Forget", 2000). With z = x W + b + h U in four parts of as many units:
//
//   i = logistic(z_i), f = logistic(z_f), g = tanh(z_g), o = logistic(z_o)
//   c' = f c + i g,  h' = o tanh(c')
#pragma once
#include "kernels/recurrent.h"

namespace labkit {
namespace {

// x W + b [batch, steps, 4 units], U, h, c[, mask] -> gates, y, cells, h', c'

template <class T>
void plan_lstm(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    r.plan(work, 4 * r.groups(), r.units, 0, r.block_size() * (r.padded(r.units) + 4 * r.NR));
}

template <class T>
struct Lstm {
    const Recurrence<T> r;
    const T *projections, *panels;
    T *gates, *y, *cells, *h, *c, *left;
    T* sums[kMostExamples];

    explicit Lstm(const Call& call)
        : r(call.in[0], call.in[1]), projections(data<T>(call.in[0])), panels(reinterpret_cast<const T*>(call.scratch)),
          gates(data<T>(call.out[0])), y(data<T>(call.out[1])), cells(data<T>(call.out[2])), h(data<T>(call.out[3])),
          c(data<T>(call.out[4])), left(reinterpret_cast<T*>(call.local)) {
        T* after = left + r.block_size() * r.padded(r.units);
        for (int64_t i = 0; i < r.block_size(); ++i) sums[i] = after + i * 4 * r.NR;
    }

    // The units of one group for an example, from the sums h U.
    void gate(int64_t b, int64_t step, int64_t group, const T* sum) const {
        const int64_t at = b * r.steps + step, NR = r.NR, first = group * NR, H = r.units;
        const T* z = projections + at * r.width + first;
        T *to = gates + at * r.width + first, *y_row = y + at * H + first, *cell = cells + at * H + first;
        T *h_row = h + b * H + first, *c_row = c + b * H + first;
        each_vector<T>(r.columns(group), [=](int64_t u, auto n) LABKIT_BODY {
            auto part = [=](int64_t gate) LABKIT_BODY { return load_n(z + gate * H + u, n) + load_n(sum + gate * NR + u, n); };
            const Vec<T> i = logistic(part(0)), f = logistic(part(1)), g = gate_tanh(part(2)), o = logistic(part(3));
            const Vec<T> memory = f * load_n(c_row + u, n) + i * g, out = o * gate_tanh(memory);
            store_n(to + u, i, n);
            store_n(to + H + u, f, n);
            store_n(to + 2 * H + u, g, n);
            store_n(to + 3 * H + u, o, n);
            store_n(cell + u, memory, n);
            store_n(c_row + u, memory, n);
            store_n(y_row + u, out, n);
            store_n(h_row + u, out, n);
        });
    }

    void step(Examples<T>& examples, int64_t t) const {
        examples.at(t);
        for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
            if (!examples.counts(b, t)) {
                zero_run(gates + (b * r.steps + t) * r.width, r.width);
                copy_run(cells + (b * r.steps + t) * r.units, c + b * r.units, r.units);
                stand_still(y, b, t, r.steps, r.units);
            }
        const int64_t stride = r.padded(r.units);
        for (int64_t i = 0; i < examples.count; ++i) copy_run(left + i * stride, h + examples.moving[i] * r.units, r.units);
        for (int64_t group = 0; group < r.groups(); ++group) {
            for (int64_t gate = 0; gate < 4; ++gate)
                times_panel(left, stride, examples.count, r.units, panels + (group * 4 + gate) * r.units * r.NR, sums, gate * r.NR,
                            r.columns(group));
            for (int64_t i = 0; i < examples.count; ++i) gate(examples.moving[i], t, group, sums[i]);
        }
    }
};

template <class T>
Status run_lstm(const Call& call, int phase, int64_t task) {
    const Lstm<T> lstm(call);
    const Recurrence<T>& r = lstm.r;
    if (phase == 0) {
        pack_gate(r, data<T>(call.in[1]), task, reinterpret_cast<T*>(call.scratch));
        return {};
    }
    Examples<T> examples(r, task, call.n_in > 4 ? &call.in[4] : nullptr);
    if (phase == 1) {
        examples.begin(lstm.h, data<T>(call.in[2]), r.units);
        examples.begin(lstm.c, data<T>(call.in[3]), r.units);
    }
    const Range steps = r.steps_of(phase);
    for (int64_t t = steps.begin; t < steps.end; ++t) lstm.step(examples, t);
    return {};
}

// gates, cells, y, U, h, c, dh', dc'[, dy][, mask] -> dz, h before each step, dh, dc. ints: whether there is dy. What arrives at
// the steps before stands in dh and dc all the while.

template <class T>
void plan_lstm_grad(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[3]);
    r.plan(work, r.groups(), r.width, r.batch * r.units, r.block_size() * r.padded(r.width));
}

template <class T>
struct LstmGrad {
    const Recurrence<T> r;
    const T *gates, *cells, *y, *h, *c, *panels;
    T *dz, *before, *dh, *dc, *left;
    Arriving<T> arriving;

    LstmGrad(const Call& call, const View* mask)
        : r(call.in[0], call.in[3]), gates(data<T>(call.in[0])), cells(data<T>(call.in[1])), y(data<T>(call.in[2])),
          h(data<T>(call.in[4])), c(data<T>(call.in[5])), panels(reinterpret_cast<const T*>(call.scratch)), dz(data<T>(call.out[0])),
          before(data<T>(call.out[1])), dh(data<T>(call.out[2])), dc(data<T>(call.out[3])), left(reinterpret_cast<T*>(call.local)),
          arriving{call.ints[0] ? data<T>(call.in[8]) : nullptr,
                   mask ? reinterpret_cast<T*>(call.scratch) + r.groups() * r.width * r.NR : nullptr, r.steps, r.units} {}

    // dz of an example, twice: as a result, and for the product.
    void gate(int64_t b, int64_t t, T* row) const {
        const int64_t at = b * r.steps + t, H = r.units;
        const T *from = gates + at * r.width, *cell = cells + at * H, *earlier = t ? cell - H : c + b * H, *more = arriving.row(b, t);
        T *to = dz + at * r.width, *dh_row = dh + b * H, *dc_row = dc + b * H;
        each_vector<T>(H, [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> i = load_n(from + u, n), f = load_n(from + H + u, n), g = load_n(from + 2 * H + u, n),
                         o = load_n(from + 3 * H + u, n), e = gate_tanh(load_n(cell + u, n));
            Vec<T> d = load_n(dh_row + u, n);
            if (more) d = d + load_n(more + u, n);
            const Vec<T> memory = load_n(dc_row + u, n) + d * o * (1 - e * e);
            auto put = [=](int64_t gate, Vec<T> x) LABKIT_BODY {
                store_n(to + gate * H + u, x, n);
                store_n(row + gate * H + u, x, n);
            };
            put(0, memory * g * (i * (1 - i)));
            put(1, memory * load_n(earlier + u, n) * (f * (1 - f)));
            put(2, memory * i * (1 - g * g));
            put(3, d * e * (o * (1 - o)));
            store_n(dc_row + u, memory * f, n);
        });
        arriving.taken(b);
    }

    void step(Examples<T>& examples, int64_t t, const int64_t* first) const {
        examples.at(t);
        const int64_t stride = r.padded(r.width);
        T* to[kMostExamples];
        states_before(examples, t, first, y, h, r.units, before);
        for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
            if (!examples.counts(b, t)) {
                arriving.add(b, t);
                zero_run(dz + (b * r.steps + t) * r.width, r.width);
            }
        for (int64_t i = 0; i < examples.count; ++i) {
            gate(examples.moving[i], t, left + i * stride);
            to[i] = dh + examples.moving[i] * r.units;
        }
        for (int64_t group = 0; group < r.groups(); ++group)
            times_panel(left, stride, examples.count, r.width, panels + group * r.width * r.NR, to, group * r.NR, r.columns(group));
    }
};

template <class T>
Status run_lstm_grad(const Call& call, int phase, int64_t task) {
    const int64_t place = call.ints[0] ? 9 : 8;
    const View* mask = call.n_in > place ? &call.in[place] : nullptr;
    const LstmGrad<T> lstm(call, mask);
    const Recurrence<T>& r = lstm.r;
    if (phase == 0) {
        pack_units(r, data<T>(call.in[3]), task, reinterpret_cast<T*>(call.scratch));
        return {};
    }
    Examples<T> examples(r, task, mask);
    if (phase == 1) {
        examples.begin(lstm.dh, data<T>(call.in[6]), r.units);
        examples.begin(lstm.dc, data<T>(call.in[7]), r.units);
        lstm.arriving.begin(examples.all);
    }
    int64_t first[kMostExamples];
    examples.first_steps(first);
    const Range steps = r.steps_back(phase);
    for (int64_t t = steps.end - 1; t >= steps.begin; --t) lstm.step(examples, t, first);
    return {};
}

#define LABKIT_LSTM_KERNELS(X)                                              \
    X("lstm.f32", plan_lstm<float>, run_lstm<float>, true)                  \
    X("lstm.f64", plan_lstm<double>, run_lstm<double>, true)                \
    X("lstm_grad.f32", plan_lstm_grad<float>, run_lstm_grad<float>, true)   \
    X("lstm_grad.f64", plan_lstm_grad<double>, run_lstm_grad<double>, true)

}  // namespace
}  // namespace labkit
