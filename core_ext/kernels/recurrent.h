// What the recurrent layers' kernels share. Each goes through a whole sequence in one call: what the steps' inputs contribute comes
// in as one product of all steps, so that a step is the product of the state with the recurrent matrix, and a few functions of
// its sums.
//
// Examples are independent of each other: a task takes a block of them through a stretch of steps, the phases are the stretches.
// The first phase packs the matrix in panels, once for all steps: panels of NR columns that follow one another in the order in which
// products ask for them.
//
// Where there is a mask, bool [batch, steps], an example stands still at steps where it is false: the state stays, the result of the
// step is that of the step before (0 at the first), and products leave the example out.
//
// Bits: sums are split as in gemm.h, by the units alone; so an example's bits depend on that example alone.
#pragma once
#include "kernels/activation.inl"
#include "kernels/gemm.h"

namespace labkit {
namespace {

constexpr int64_t kMostExamples = 32;  // of a block

// Of a body in a loop: without it the compiler calls the body, which then reads what it captured again after each store.
#define LABKIT_BODY __attribute__((always_inline))

template <class T>
struct Recurrence {
    static constexpr int64_t NR = Gemm<T>::NR, kPad = 64 / static_cast<int64_t>(sizeof(T));
    int64_t batch, steps, units, gates, width;  // width: of all gates
    int64_t blocks, stretch;

    // `sequence` begins with [batch, steps]; the recurrent matrix is [units, gates * units].
    Recurrence(const View& sequence, const View& recurrent) {
        constexpr int64_t kTask = int64_t{1} << 27;     // multiply-adds
        constexpr int64_t kWanted = 8, kCached = 512;  // blocks; KB of a matrix that stays in a cache of one core
        batch = sequence.shape[0], steps = sequence.shape[1];
        units = recurrent.shape[0], width = recurrent.shape[1], gates = width / max_of(1, units);
        const bool far = units * width * static_cast<int64_t>(sizeof(T)) > kCached << 10;
        const int64_t size = min_of(max_of(ceil_div(batch, kWanted), far ? 16 : 8), kMostExamples);
        blocks = ceil_div(batch, size);
        stretch = max_of(1, kTask / (size * (units + 64) * max_of(1, width)));
    }

    int64_t block_size() const { return ceil_div(batch, max_of(1, blocks)); }
    int64_t groups() const { return ceil_div(units, NR); }
    int64_t columns(int64_t group) const { return min_of(units - group * NR, NR); }
    int64_t padded(int64_t n) const { return n + kPad; }  // a row in memory of our own: off the powers of two that collide
    Range steps_of(int phase) const { return range_of(phase - 1, steps, stretch); }
    Range steps_back(int phase) const {  // the last ones first: from end - 1 down to begin
        const Range later = steps_of(phase);
        return {steps - later.end, steps - later.begin};
    }

    // Phase 0 packs `panels`, the others go through the steps with so many numbers of memory a thread.
    void plan(Work& work, int64_t panels, int64_t panel_length, int64_t beside, int64_t local) const {
        work.phases = static_cast<int32_t>(1 + max_of(1, ceil_div(steps, stretch)));
        work.tasks[0] = panels;
        for (int i = 1; i < kMaxPhases; ++i) work.tasks[i] = blocks;
        work.scratch_bytes = (panels * panel_length * NR + beside) * static_cast<int64_t>(sizeof(T));
        work.local_bytes = local * static_cast<int64_t>(sizeof(T));
        work.local_tasks = max_of(panels, blocks);
    }
};

// to[i][column .. column + columns) (+)= the product of rows i of `left` (`stride` apart, K long) with a packed panel.
template <class T>
void times_panel(const T* left, int64_t stride, int64_t rows, int64_t K, const T* panel, T* const* to, int64_t column, int64_t columns,
                 bool add = false) {
    using G = Gemm<T>;
    const int64_t strips = ceil_div(rows, G::MR);
    for (int64_t k = 0; k < K; k += G::KC)
        for (int64_t p = 0; p < strips; ++p) {
            const Range some = share(p, strips, rows);
            const Strips<T> strip{left + some.begin * stride + k, stride, G::kStretch, G::kStretch};
            gemm_rows<T, G::MR, false>(static_cast<int>(some.end - some.begin), strip, panel + k * G::NR, G::NR, min_of(K - k, G::KC),
                                       to + some.begin, column, static_cast<int>(columns), add || k > 0);
        }
}

// Panel number `panel` of the matrix for the way forward: the columns of one group of units for one gate; gates go round first.
template <class T>
void pack_gate(const Recurrence<T>& r, const T* recurrent, int64_t panel, T* packed) {
    const int64_t group = panel / r.gates, gate = panel % r.gates;
    gemm_pack_right<T, false>({recurrent, r.width}, 0, r.units, gate * r.units + group * r.NR, r.columns(group),
                              packed + panel * r.units * r.NR);
}

// The same for the way back, where the matrix is transposed: one group of units.
template <class T>
void pack_units(const Recurrence<T>& r, const T* recurrent, int64_t group, T* packed) {
    gemm_pack_right<T, true>({recurrent, r.width}, 0, r.width, group * r.NR, r.columns(group), packed + group * r.width * r.NR);
}

// The examples of a block, and which of them a step counts for.
template <class T>
struct Examples {
    Range all;
    const uint8_t* mask;  // [batch, steps], or null
    int64_t steps;
    int64_t moving[kMostExamples], count = 0;  // the examples that this step counts for

    Examples(const Recurrence<T>& r, int64_t task, const View* masks)
        : all(share(task, r.blocks, r.batch)), mask(masks ? data<uint8_t>(*masks) : nullptr), steps(r.steps) {}

    void at(int64_t step) {
        count = 0;
        for (int64_t b = all.begin; b < all.end; ++b)
            if (counts(b, step)) moving[count++] = b;
    }
    bool counts(int64_t b, int64_t step) const { return !mask || mask[b * steps + step]; }
    // The first step that counts for each example.
    void first_steps(int64_t* first) const {
        for (int64_t b = all.begin; b < all.end; ++b) {
            int64_t step = 0;
            while (step < steps && !counts(b, step)) ++step;
            first[b - all.begin] = step;
        }
    }
    // The states [batch, units] that the block begins with.
    void begin(T* to, const T* from, int64_t units) const {
        copy_run(to + all.begin * units, from + all.begin * units, (all.end - all.begin) * units);
    }
};

// What a step gives for an example that it does not count for: what the step before gave.
template <class T>
void stand_still(T* y, int64_t b, int64_t step, int64_t steps, int64_t units) {
    T* row = y + (b * steps + step) * units;
    if (step)
        copy_run(row, row - units, units);
    else
        zero_run(row, units);
}

// The derivative that arrives at the results of all steps: that of an example's step, and of the steps that stood still after it.
template <class T>
struct Arriving {
    const T* dy;  // [batch, steps, units], or null
    T* kept;      // [batch, units] of the steps that stood still; null without a mask
    int64_t steps, units;

    // Before the last step, which is the first to be gone through.
    void begin(Range examples) const {
        if (dy && kept) zero_run(kept + examples.begin * units, (examples.end - examples.begin) * units);
    }
    // The row for an example that the step counts for, or null; and when it has been taken.
    const T* row(int64_t b, int64_t step) const {
        if (!dy || !kept) return dy ? dy + (b * steps + step) * units : nullptr;
        add(b, step);
        return kept + b * units;
    }
    void taken(int64_t b) const { begin({b, b + 1}); }
    // A step that does not count for an example.
    void add(int64_t b, int64_t step) const {
        if (!dy || !kept) return;
        T* to = kept + b * units;
        const T* from = dy + (b * steps + step) * units;
        each_vector<T>(units, [=](int64_t u, auto n) LABKIT_BODY { store_n(to + u, load_n(to + u, n) + load_n(from + u, n), n); });
    }
};

// The states before a step: what the step before gave, or where none has counted for the example the first states.
template <class T>
void states_before(const Examples<T>& examples, int64_t step, const int64_t* first, const T* y, const T* h, int64_t units, T* to) {
    for (int64_t b = examples.all.begin; b < examples.all.end; ++b) {
        const int64_t at = (b * examples.steps + step) * units;
        copy_run(to + at, step > first[b - examples.all.begin] ? y + at - units : h + b * units, units);
    }
}

// The functions of gates, with fewer steps than those of math.h: within their ends both need no other cases.

// 1 / (1 + e^-x); beyond the ends it stays what it is there.
LABKIT_INLINE Vec<float> logistic(Vec<float> x) { return 1.0f / (1.0f + exp_minus(within(x, kFar<float>))); }
LABKIT_INLINE Vec<double> logistic(Vec<double> x) { return 1.0 / (1.0 + exp_minus(within(x, kFar<double>))); }

// -t / (t + 2) with t = e^(-2|x|) - 1 = 2^n (2^r - 1) + (2^n - 1), the polynomial of exp2_within less its 1; from 10 on the result is 1.
LABKIT_INLINE Vec<float> gate_tanh(Vec<float> x) {
    const float magic = 12582912.0f;
    const Vec<int32_t> sign = (Vec<int32_t>)x & static_cast<int32_t>(0x80000000);
    const Vec<float> u = at_most((Vec<float>)((Vec<int32_t>)x ^ sign), 10.0f) * -2.88539008f, shifted = u + magic;
    const Vec<float> r = u - (shifted - magic), z = r * r;
    const Vec<float> high = z * 1.53533620e-4f + (r * 1.33988747e-3f + 9.61843736e-3f);
    const Vec<float> part = (high * z + (r * 5.55033247e-2f + 2.40226479e-1f)) * z + r * 6.93147203e-1f;
    const Vec<float> power = (Vec<float>)(((Vec<uint32_t>)shifted << 23) + 0x3f800000u);
    const Vec<float> t = part * power + (power - 1.0f);
    return (Vec<float>)((Vec<int32_t>)(t / (t + 2.0f)) ^ (sign ^ static_cast<int32_t>(0x80000000)));
}
LABKIT_INLINE Vec<double> gate_tanh(Vec<double> x) { return tanh(x); }

}  // namespace
}  // namespace labkit
