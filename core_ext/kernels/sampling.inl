// Draws that are more than a distribution of real numbers: whole numbers, permutations, classes, gamma variates. As in
// random.inl an element is a function of (key, draw, place). ints: the key; the last input: the draw's number.
//   random_uniform_int: whole numbers from in[0] on and below in[1].
//   random_permutation: the numbers from 0 on in random order.
//   random_categorical: indices[rows, samples] of classes whose probabilities are the softmax of logits[rows, classes].
//   random_gamma: gamma variates; element i has the shape parameter in[0][i % n].
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// The numbers of one draw of an operation.
struct Stream {
    uint64_t key, draw;

    Stream(const Call& call)
        : key(static_cast<uint64_t>(call.ints[0])), draw(static_cast<uint64_t>(*data<int64_t>(call.in[call.n_in - 1]))) {}

    LABKIT_INLINE void group(uint32_t* word, uint64_t number) const { philox_group(word, key, number, draw); }
};

constexpr int kWide = kGroupWords / 2;  // numbers of 64 bits in a group

inline uint64_t bits64(const uint32_t* word, int i) {
    const uint32_t* low = word + i / 16 * 32 + i % 16;
    return static_cast<uint64_t>(low[16]) << 32 | low[0];
}

// The upper half of the product: from 64 random bits a number below n, each as often as any other but for n / 2^64
// (D. Lemire, "Fast Random Integer Generation in an Interval" (2019), without its rejections).
inline uint64_t below(uint64_t bits, uint64_t n) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(bits) * n >> 64);
}

template <class T, class U>
Status run_random_uniform_int(const Call& call, int, int64_t task) {
    const T low = *data<T>(call.in[0]), high = *data<T>(call.in[1]);
    if (low >= high) return {Code::invalid_argument, low, high};
    const uint64_t n = static_cast<U>(static_cast<U>(high) - static_cast<U>(low));
    const Stream stream(call);
    T* y = data<T>(call.out[0]);
    const Range range = range_of(task, numel(call.out[0]));
    for (int64_t first = range.begin; first < range.end; first += kWide) {
        uint32_t word[kGroupWords];
        stream.group(word, static_cast<uint64_t>(first / kWide));
        const int count = static_cast<int>(min_of(kWide, range.end - first));
        for (int i = 0; i < count; ++i)
            y[first + i] = static_cast<T>(static_cast<U>(low) + static_cast<U>(below(bits64(word, i), n)));
    }
    return {};
}

// ---- permutations: each number goes to a bucket that is drawn for it, and each bucket is shuffled by itself (C. Rao, 1961;
// M. Sandelius, 1962). Within a bucket the method is that of Fisher and Yates. How many buckets there are depends on n alone.

constexpr int64_t kBucket = 1 << 17;
constexpr uint64_t kShuffleGroups = uint64_t{1} << 50;  // their words follow those that choose buckets

struct Buckets {
    int64_t n, count;

    Buckets(const Call& call) : n(numel(call.out[0])), count(ceil_div(n, kBucket)) {}
};

void plan_random_permutation(const Call& call, Work& work) {
    const Buckets b(call);
    if (b.count <= 1) return;
    work.phases = 4;
    work.tasks[0] = work.tasks[2] = work.tasks[3] = b.count;
    work.scratch_bytes = (b.count * b.count + b.count + 1) * static_cast<int64_t>(sizeof(int64_t));
}

// step(i, bucket) for each number i of one block.
template <class Step>
void choose_buckets(const Stream& stream, const Buckets& b, int64_t block, Step step) {
    const Range range = range_of(block, b.n, kBucket);
    for (int64_t first = range.begin; first < range.end; first += kGroupWords) {
        uint32_t word[kGroupWords];
        stream.group(word, static_cast<uint64_t>(first / kGroupWords));
        const int64_t end = min_of(first + kGroupWords, range.end);
        for (int64_t i = first; i < end; ++i)
            step(i, static_cast<int64_t>(static_cast<uint64_t>(word[i - first]) * static_cast<uint64_t>(b.count) >> 32));
    }
}

void shuffle(const Stream& stream, int64_t* y, int64_t begin, int64_t end) {
    uint32_t word[kGroupWords];
    int64_t drawn = -1;  // the group in `word`
    for (int64_t i = end - 1; i > begin; --i) {
        if (i / kWide != drawn) {
            drawn = i / kWide;
            stream.group(word, kShuffleGroups + static_cast<uint64_t>(drawn));
        }
        const int64_t other = begin + static_cast<int64_t>(below(bits64(word, static_cast<int>(i % kWide)), static_cast<uint64_t>(i - begin + 1)));
        const int64_t moved = y[i];
        y[i] = y[other];
        y[other] = moved;
    }
}

Status run_random_permutation(const Call& call, int phase, int64_t task) {
    const Buckets b(call);
    const Stream stream(call);
    int64_t* y = data<int64_t>(call.out[0]);
    if (b.count <= 1) {
        for (int64_t i = 0; i < b.n; ++i) y[i] = i;
        shuffle(stream, y, 0, b.n);
        return {};
    }
    int64_t* place = reinterpret_cast<int64_t*>(call.scratch);  // [block][bucket]: how many numbers; then where the next one goes
    int64_t* start = place + b.count * b.count;                  // of each bucket
    int64_t* own = place + task * b.count;
    if (phase == 0) {
        for (int64_t k = 0; k < b.count; ++k) own[k] = 0;
        choose_buckets(stream, b, task, [&](int64_t, int64_t bucket) { ++own[bucket]; });
    } else if (phase == 1) {
        int64_t total = 0;
        for (int64_t bucket = 0; bucket < b.count; ++bucket) {
            start[bucket] = total;
            for (int64_t block = 0; block < b.count; ++block) {
                const int64_t count = place[block * b.count + bucket];
                place[block * b.count + bucket] = total;
                total += count;
            }
        }
        start[b.count] = total;
    } else if (phase == 2) {
        choose_buckets(stream, b, task, [&](int64_t i, int64_t bucket) { y[own[bucket]++] = i; });
    } else {
        shuffle(stream, y, start[task], start[task + 1]);
    }
    return {};
}

// ---- classes: where a uniform number falls among the sums of exp(logit - largest). A row needs a largest logit that is
// finite, and no NaN; -infinity is never drawn.

template <class T>
struct Classes {
    int64_t rows, classes, samples, rows_per_task;

    Classes(const Call& call)
        : rows(call.in[0].shape[0]),
          classes(call.in[0].shape[1]),
          samples(call.out[0].shape[1]),
          rows_per_task(max_of(1, kTaskElements / max_of(1, classes))) {}
};

template <class T>
void plan_random_categorical(const Call& call, Work& work) {
    const Classes<T> c(call);
    work.phases = 2;
    work.tasks[0] = ceil_div(c.rows, c.rows_per_task);
    work.tasks[1] = ceil_div(c.rows * c.samples, kTaskElements);
    work.scratch_bytes = c.rows * c.classes * static_cast<int64_t>(sizeof(double));
}

template <class T>
bool sum_up(const T* logit, int64_t n, double* sum) {
    T largest = static_cast<T>(-__builtin_inf());
    bool whole = true;
    for (int64_t i = 0; i < n; ++i) {
        whole = whole && logit[i] == logit[i];
        largest = logit[i] > largest ? logit[i] : largest;
    }
    if (!whole || largest - largest != 0) return false;
    double total = 0;
    LABKIT_ROW(T, n, i, count) {
        T part[lanes<T>];
        store(part, exp(load_n(logit + i, count) - largest));
        for (int64_t k = 0; k < count; ++k) sum[i + k] = total += static_cast<double>(part[k]);
    }
    return true;
}

template <class T>
Status run_random_categorical(const Call& call, int phase, int64_t task) {
    const Classes<T> c(call);
    double* sums = reinterpret_cast<double*>(call.scratch);
    if (phase == 0) {
        for (int64_t row = task * c.rows_per_task; row < min_of((task + 1) * c.rows_per_task, c.rows); ++row)
            if (!sum_up(data<T>(call.in[0]) + row * c.classes, c.classes, sums + row * c.classes))
                return {Code::invalid_argument, row, c.rows};
        return {};
    }
    const Stream stream(call);
    int64_t* y = data<int64_t>(call.out[0]);
    const Range range = range_of(task, c.rows * c.samples);
    for (int64_t first = range.begin; first < range.end; first += kWide) {
        uint32_t word[kGroupWords];
        stream.group(word, static_cast<uint64_t>(first / kWide));
        const int count = static_cast<int>(min_of(kWide, range.end - first));
        for (int i = 0; i < count; ++i) {
            const double* sum = sums + (first + i) / c.samples * c.classes;
            // below the total, as 1 - 2^-53 times a number never rounds to it
            const double wanted = static_cast<double>(bits64(word, i) >> 11) * 0x1p-53 * sum[c.classes - 1];
            int64_t low = 0, high = c.classes - 1;  // the first class whose sum exceeds it
            while (low < high) {
                const int64_t middle = low + (high - low) / 2;
                if (sum[middle] > wanted)
                    high = middle;
                else
                    low = middle + 1;
            }
            y[first + i] = low;
        }
    }
    return {};
}

// ---- gamma: G. Marsaglia and W. Tsang, "A Simple Method for Generating Gamma Variables" (2000); below a parameter of 1 by their
// note on it: a variate of parameter + 1, times a uniform number to the power of 1 / parameter. Attempt t of elements 16 g to
// 16 g + 15 takes group (t, g).

constexpr int kAttempts = 255;  // each fails with less than 5%; the number after the last is the power's
constexpr int kBlocks = 16;

inline uint64_t attempt_group(int attempt, int64_t blocks) { return static_cast<uint64_t>(attempt) << 52 | static_cast<uint64_t>(blocks); }

// (0, 1] with 53 bits
inline double positive(uint32_t high, uint32_t low) {
    return (static_cast<double>((static_cast<uint64_t>(high) << 32 | low) >> 11) + 1) * 0x1p-53;
}

// Whether the four words of an attempt give a variate of d + 1/3, which is d v.
inline bool gamma_attempt(const uint32_t* word, double d, double& v) {
    const double c = 1 / __builtin_sqrt(9 * d);
    const double radius = __builtin_sqrt(-2 * __builtin_log(positive(word[16], word[0])));
    const double x = radius * __builtin_cos(word[32] * (0x1p-32 * 6.283185307179586477));
    const double root = 1 + c * x, u = (word[48] + 0.5) * 0x1p-32;
    if (root <= 0) return false;
    v = root * root * root;
    const double square = x * x;
    return u < 1 - 0.0331 * square * square || __builtin_log(u) < 0.5 * square + d * (1 - v + __builtin_log(v));
}

template <class T>
Status run_random_gamma(const Call& call, int, int64_t task) {
    const Stream stream(call);
    const T* alpha = data<T>(call.in[0]);
    T* y = data<T>(call.out[0]);
    const int64_t n = numel(call.in[0]);
    const Range range = range_of(task, numel(call.out[0]));
    for (int64_t first = range.begin; first < range.end; first += kBlocks) {
        const int count = static_cast<int>(min_of(kBlocks, range.end - first));
        double shape[kBlocks], v[kBlocks];
        bool open[kBlocks] = {};
        int missing = 0;
        for (int i = 0; i < count; ++i) {
            shape[i] = static_cast<double>(alpha[(first + i) % n]);
            if (!(shape[i] > 0)) return {Code::invalid_argument, (first + i) % n, n};
            v[i] = 1;
            open[i] = shape[i] - shape[i] == 0;  // infinity is its own variate
            missing += open[i];
        }
        uint32_t word[kGroupWords];
        for (int attempt = 0; attempt < kAttempts && missing; ++attempt) {
            stream.group(word, attempt_group(attempt, first / kBlocks));
            for (int i = 0; i < count; ++i)
                if (open[i] && gamma_attempt(word + i, shape[i] + (shape[i] < 1 ? 1 : 0) - 1.0 / 3, v[i])) {
                    open[i] = false;
                    --missing;
                }
        }
        stream.group(word, attempt_group(kAttempts, first / kBlocks));
        for (int i = 0; i < count; ++i) {
            const bool small = shape[i] < 1;
            const double variate = (shape[i] + (small ? 1 : 0) - 1.0 / 3) * v[i];
            y[first + i] = static_cast<T>(small ? variate * __builtin_exp(__builtin_log(positive(word[i + 16], word[i])) / shape[i]) : variate);
        }
    }
    return {};
}

#define LABKIT_SAMPLING_KERNELS(X)                                                                                         \
    X("random_uniform_int.i32", plan_elements, (run_random_uniform_int<int32_t, uint32_t>), false)                         \
    X("random_uniform_int.i64", plan_elements, (run_random_uniform_int<int64_t, uint64_t>), false)                         \
    X("random_permutation.i64", plan_random_permutation, run_random_permutation, false)                                    \
    X("random_categorical.f32", plan_random_categorical<float>, run_random_categorical<float>, false)                      \
    X("random_categorical.f64", plan_random_categorical<double>, run_random_categorical<double>, false)                    \
    X("random_gamma.f32", plan_elements, run_random_gamma<float>, false)                                                   \
    X("random_gamma.f64", plan_elements, run_random_gamma<double>, false)

}  // namespace
}  // namespace labkit
