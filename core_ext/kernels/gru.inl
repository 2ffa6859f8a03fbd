// GRU over whole sequences (Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014). With p = x W + b and
// s = h U + b' in three parts of as many units:
//
//   z = logistic(p_z + s_z), r = logistic(p_r + s_r), h' = z h + (1 - z) g
//   g = tanh(p_g + r s_g), or as the paper has it ("before"), where r does not wait for the product: g = tanh(p_g + (r h) U_g + b'_g)
//
// `inner` is what r is multiplied with or makes: s_g, or r h.
#pragma once
#include "kernels/recurrent.h"

namespace labkit {
namespace {

// p [batch, steps, 3 units], U, b', h[, mask] -> gates z, r, g, inner, y, h'. ints: whether r comes after the product.

template <class T>
void plan_gru(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[1]);
    r.plan(work, 3 * r.groups(), r.units, 0, r.block_size() * (2 * r.padded(r.units) + 3 * r.NR));
}

template <class T>
struct Gru {
    const Recurrence<T> r;
    const bool after;
    const T *projections, *bias, *panels;
    T *gates, *inner, *y, *h, *left, *reset;
    T* sums[kMostExamples];

    explicit Gru(const Call& call)
        : r(call.in[0], call.in[1]), after(call.ints[0] != 0), projections(data<T>(call.in[0])), bias(data<T>(call.in[2])),
          panels(reinterpret_cast<const T*>(call.scratch)), gates(data<T>(call.out[0])), inner(data<T>(call.out[1])),
          y(data<T>(call.out[2])), h(data<T>(call.out[3])), left(reinterpret_cast<T*>(call.local)),
          reset(left + r.block_size() * r.padded(r.units)) {
        T* rest = reset + r.block_size() * r.padded(r.units);
        for (int64_t i = 0; i < r.block_size(); ++i) sums[i] = rest + i * 3 * r.NR;
    }

    // An example's sums in one group of units.
    struct Sums {
        const T *p, *product, *bias;
        int64_t H;

        template <class N>
        LABKIT_INLINE Vec<T> state(int64_t gate, int64_t u, N n) const {
            return load_n(product + gate * Recurrence<T>::NR + u, n) + load_n(bias + gate * H + u, n);
        }
        template <class N>
        LABKIT_INLINE Vec<T> all(int64_t gate, int64_t u, N n) const {
            return load_n(p + gate * H + u, n) + state(gate, u, n);
        }
    };
    Sums sums_of(int64_t at, int64_t first, const T* product) const {
        return {projections + at * r.width + first, product, bias + first, r.units};
    }

    // The units of one group for an example, where r comes after the product.
    void gate_after(int64_t b, int64_t step, int64_t group, const T* product) const {
        const int64_t at = b * r.steps + step, first = group * r.NR, H = r.units;
        const Sums sum = sums_of(at, first, product);
        T *to = gates + at * r.width + first, *s = inner + at * H + first, *y_row = y + at * H + first, *h_row = h + b * H + first;
        each_vector<T>(r.columns(group), [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> z = logistic(sum.all(0, u, n)), reset_by = logistic(sum.all(1, u, n)), state = sum.state(2, u, n);
            const Vec<T> g = gate_tanh(load_n(sum.p + 2 * H + u, n) + reset_by * state), out = g + z * (load_n(h_row + u, n) - g);
            store_n(to + u, z, n);
            store_n(to + H + u, reset_by, n);
            store_n(to + 2 * H + u, g, n);
            store_n(s + u, state, n);
            store_n(y_row + u, out, n);
            store_n(h_row + u, out, n);
        });
    }

    // Where r comes before: z, r and r h; and when that has been multiplied, the rest.
    void gate_reset(int64_t b, int64_t step, int64_t group, const T* product, T* row) const {
        const int64_t at = b * r.steps + step, first = group * r.NR, H = r.units;
        const Sums sum = sums_of(at, first, product);
        const T* h_row = h + b * H + first;
        T *to = gates + at * r.width + first, *s = inner + at * H + first, *made_row = row + first;
        each_vector<T>(r.columns(group), [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> z = logistic(sum.all(0, u, n)), reset_by = logistic(sum.all(1, u, n)), made = reset_by * load_n(h_row + u, n);
            store_n(to + u, z, n);
            store_n(to + H + u, reset_by, n);
            store_n(s + u, made, n);
            store_n(made_row + u, made, n);
        });
    }
    void gate_candidate(int64_t b, int64_t step, int64_t group, const T* product) const {
        const int64_t at = b * r.steps + step, first = group * r.NR, H = r.units;
        const Sums sum = sums_of(at, first, product);
        T *to = gates + at * r.width + first, *y_row = y + at * H + first, *h_row = h + b * H + first;
        each_vector<T>(r.columns(group), [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> g = gate_tanh(sum.all(2, u, n)), out = g + load_n(to + u, n) * (load_n(h_row + u, n) - g);
            store_n(to + 2 * H + u, g, n);
            store_n(y_row + u, out, n);
            store_n(h_row + u, out, n);
        });
    }

    void product(const Examples<T>& examples, const T* rows, int64_t group, int64_t gate) {
        times_panel(rows, r.padded(r.units), examples.count, r.units, panels + (group * 3 + gate) * r.units * r.NR, sums, gate * r.NR,
                    r.columns(group));
    }

    void step(Examples<T>& examples, int64_t t) {
        examples.at(t);
        for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
            if (!examples.counts(b, t)) {
                zero_run(gates + (b * r.steps + t) * r.width, r.width);
                zero_run(inner + (b * r.steps + t) * r.units, r.units);
                stand_still(y, b, t, r.steps, r.units);
            }
        const int64_t stride = r.padded(r.units);
        for (int64_t i = 0; i < examples.count; ++i) copy_run(left + i * stride, h + examples.moving[i] * r.units, r.units);
        for (int64_t group = 0; group < r.groups(); ++group) {
            for (int64_t gate = 0; gate < (after ? 3 : 2); ++gate) product(examples, left, group, gate);
            for (int64_t i = 0; i < examples.count; ++i)
                if (after)
                    gate_after(examples.moving[i], t, group, sums[i]);
                else
                    gate_reset(examples.moving[i], t, group, sums[i], reset + i * stride);
        }
        for (int64_t group = 0; !after && group < r.groups(); ++group) {
            product(examples, reset, group, 2);
            for (int64_t i = 0; i < examples.count; ++i) gate_candidate(examples.moving[i], t, group, sums[i]);
        }
    }
};

template <class T>
Status run_gru(const Call& call, int phase, int64_t task) {
    Gru<T> gru(call);
    const Recurrence<T>& r = gru.r;
    if (phase == 0) {
        pack_gate(r, data<T>(call.in[1]), task, reinterpret_cast<T*>(call.scratch));
        return {};
    }
    Examples<T> examples(r, task, call.n_in > 4 ? &call.in[4] : nullptr);
    if (phase == 1) examples.begin(gru.h, data<T>(call.in[3]), r.units);
    const Range steps = r.steps_of(phase);
    for (int64_t t = steps.begin; t < steps.end; ++t) gru.step(examples, t);
    return {};
}

// gates, inner, y, U, h, dh'[, dy][, mask] -> dp, ds, h before each step, dh. ints: whether r comes after the product, whether
// there is dy. ds is what arrives at the products, b' included. What arrives at the steps before stands in dh all the while.

template <class T>
void plan_gru_grad(const Call& call, Work& work) {
    const Recurrence<T> r(call.in[0], call.in[3]);
    r.plan(work, r.groups(), r.width, r.batch * r.units, r.block_size() * (r.padded(r.width) + r.padded(r.units)));
}

template <class T>
struct GruGrad {
    const Recurrence<T> r;
    const bool after;
    const T *gates, *inner, *y, *h, *panels;
    T *dp, *ds, *before, *dh, *left, *reset;  // reset: what arrives at r h
    Arriving<T> arriving;

    GruGrad(const Call& call, const View* mask)
        : r(call.in[0], call.in[3]), after(call.ints[0] != 0), gates(data<T>(call.in[0])), inner(data<T>(call.in[1])),
          y(data<T>(call.in[2])), h(data<T>(call.in[4])), panels(reinterpret_cast<const T*>(call.scratch)), dp(data<T>(call.out[0])),
          ds(data<T>(call.out[1])), before(data<T>(call.out[2])), dh(data<T>(call.out[3])), left(reinterpret_cast<T*>(call.local)),
          reset(left + r.block_size() * r.padded(r.width)),
          arriving{call.ints[1] ? data<T>(call.in[6]) : nullptr,
                   mask ? reinterpret_cast<T*>(call.scratch) + r.groups() * r.width * r.NR : nullptr, r.steps, r.units} {}

    // What arrives at the sums of an example; dh is left with what goes past the products. Where r comes before them, its part is
    // still to be done.
    void gate(int64_t b, int64_t t, T* row) const {
        const int64_t at = b * r.steps + t, H = r.units;
        const T *from = gates + at * r.width, *earlier = before + at * H, *s = inner + at * H, *more = arriving.row(b, t);
        T *dh_row = dh + b * H, *dp_row = dp + at * r.width, *ds_row = ds + at * r.width;
        const bool late = after;
        each_vector<T>(H, [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> z = load_n(from + u, n), g = load_n(from + 2 * H + u, n);
            Vec<T> d = load_n(dh_row + u, n);
            if (more) d = d + load_n(more + u, n);
            const Vec<T> dz = d * (load_n(earlier + u, n) - g) * (z * (1 - z)), dg = d * (1 - z) * (1 - g * g);
            store_n(dh_row + u, d * z, n);
            auto put = [=](int64_t gate, Vec<T> x, Vec<T> y) LABKIT_BODY {
                store_n(dp_row + gate * H + u, x, n);
                store_n(ds_row + gate * H + u, y, n);
                store_n(row + gate * H + u, y, n);
            };
            if (late) {
                const Vec<T> reset_by = load_n(from + H + u, n), dr = dg * load_n(s + u, n) * (reset_by * (1 - reset_by));
                put(1, dr, dr);
                put(2, dg, dg * reset_by);
            } else {
                put(2, dg, dg);
            }
            put(0, dz, dz);
        });
        arriving.taken(b);
    }

    // The part of r, from what arrives at r h.
    void gate_reset(int64_t b, int64_t t, const T* arrived, T* row) const {
        const int64_t at = b * r.steps + t, H = r.units;
        const T *from = gates + at * r.width + H, *earlier = before + at * H;
        T *dh_row = dh + b * H, *dp_row = dp + at * r.width + H, *ds_row = ds + at * r.width + H, *left_row = row + H;
        each_vector<T>(H, [=](int64_t u, auto n) LABKIT_BODY {
            const Vec<T> reset_by = load_n(from + u, n), d = load_n(arrived + u, n);
            const Vec<T> dr = d * load_n(earlier + u, n) * (reset_by * (1 - reset_by));
            store_n(dh_row + u, load_n(dh_row + u, n) + d * reset_by, n);
            store_n(dp_row + u, dr, n);
            store_n(ds_row + u, dr, n);
            store_n(left_row + u, dr, n);
        });
    }

    // Adds to[i] += ds . U, over the gates from `first` on and before `last`.
    void product(const Examples<T>& examples, int64_t first, int64_t last, T* const* to, bool add) const {
        for (int64_t group = 0; group < r.groups(); ++group)
            times_panel(left + first * r.units, r.padded(r.width), examples.count, (last - first) * r.units,
                        panels + (group * r.width + first * r.units) * r.NR, to, group * r.NR, r.columns(group), add);
    }

    void step(Examples<T>& examples, int64_t t, const int64_t* first) const {
        examples.at(t);
        const int64_t stride = r.padded(r.width);
        T *to[kMostExamples], *resets[kMostExamples];
        states_before(examples, t, first, y, h, r.units, before);
        for (int64_t b = examples.all.begin; examples.mask && b < examples.all.end; ++b)
            if (!examples.counts(b, t)) {
                arriving.add(b, t);
                zero_run(dp + (b * r.steps + t) * r.width, r.width);
                zero_run(ds + (b * r.steps + t) * r.width, r.width);
            }
        for (int64_t i = 0; i < examples.count; ++i) {
            gate(examples.moving[i], t, left + i * stride);
            to[i] = dh + examples.moving[i] * r.units;
            resets[i] = reset + i * r.padded(r.units);
        }
        if (!after) {
            product(examples, 2, 3, resets, false);
            for (int64_t i = 0; i < examples.count; ++i) gate_reset(examples.moving[i], t, resets[i], left + i * stride);
        }
        product(examples, 0, after ? 3 : 2, to, true);
    }
};

template <class T>
Status run_gru_grad(const Call& call, int phase, int64_t task) {
    const int64_t place = call.ints[1] ? 7 : 6;
    const View* mask = call.n_in > place ? &call.in[place] : nullptr;
    const GruGrad<T> gru(call, mask);
    const Recurrence<T>& r = gru.r;
    if (phase == 0) {
        pack_units(r, data<T>(call.in[3]), task, reinterpret_cast<T*>(call.scratch));
        return {};
    }
    Examples<T> examples(r, task, mask);
    if (phase == 1) {
        examples.begin(gru.dh, data<T>(call.in[5]), r.units);
        gru.arriving.begin(examples.all);
    }
    int64_t first[kMostExamples];
    examples.first_steps(first);
    const Range steps = r.steps_back(phase);
    for (int64_t t = steps.end - 1; t >= steps.begin; --t) gru.step(examples, t, first);
    return {};
}

#define LABKIT_GRU_KERNELS(X)                                            \
    X("gru.f32", plan_gru<float>, run_gru<float>, true)                  \
    X("gru.f64", plan_gru<double>, run_gru<double>, true)                \
    X("gru_grad.f32", plan_gru_grad<float>, run_gru_grad<float>, true)   \
    X("gru_grad.f64", plan_gru_grad<double>, run_gru_grad<double>, true)

}  // namespace
}  // namespace labkit
