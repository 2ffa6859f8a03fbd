// Candidate sampling: classes drawn for losses that look at a few of very many. in: true classes [batch, true], the draw's
// number; out: the sampled classes, how often each true class and each sampled class is expected among them.
// ints: num_sampled, unique, range_max, key.
//
// Try t takes 53 bits of the words 2 t and 2 t + 1 of the draw. Unique classes are drawn by trying until enough different
// ones were seen (S. Jean et al., "On Using Very Large Target Vocabulary for Neural Machine Translation", 2014).
#pragma once
#include "kernels/philox.h"
#include "kernels/walk.h"
#include "labkit/kernel.h"

namespace labkit {
namespace {

// P(k) = log((k + 2) / (k + 1)) / log(range + 1): Zipf's law for classes in order of falling frequency.
struct LogUniform {
    double range, scale;
    LogUniform(int64_t n) : range(static_cast<double>(n)), scale(__builtin_log1p(range)) {}
    double draw(double u) const { return __builtin_floor(__builtin_exp(u * scale)) - 1; }
    double probability(int64_t k) const { return __builtin_log1p(1 / (static_cast<double>(k) + 1)) / scale; }
};
struct EvenClasses {
    double range;
    EvenClasses(int64_t n) : range(static_cast<double>(n)) {}
    double draw(double u) const { return __builtin_floor(u * range); }
    double probability(int64_t) const { return 1 / range; }
};

// A power of two that leaves half of the places of the set of seen classes free.
int64_t set_places(int64_t n) {
    int64_t places = 2;
    while (places < 2 * n) places *= 2;
    return places;
}

void plan_candidates(const Call& call, Work& work) {
    if (call.ints[1]) work.scratch_bytes = set_places(call.ints[0]) * 8;
}

// Whether class k was not in the set yet; now it is.
bool insert(int64_t* set, int64_t places, int64_t k) {
    uint64_t at = static_cast<uint64_t>(k) * 0x9E3779B97F4A7C15u;
    for (at ^= at >> 32;; ++at) {
        int64_t& place = set[at & static_cast<uint64_t>(places - 1)];
        if (place == k) return false;
        if (place < 0) {
            place = k;
            return true;
        }
    }
}

template <class Distribution>
Status run_candidates(const Call& call, int, int64_t) {
    const int64_t wanted = call.ints[0], range = call.ints[2], n_true = numel(call.in[0]);
    const bool unique = call.ints[1];
    const int64_t* classes = data<int64_t>(call.in[0]);
    for (int64_t i = 0; i < n_true; ++i)
        if (classes[i] < 0 || classes[i] >= range) return {Code::index_out_of_range, classes[i], range};
    if (unique && wanted > range) return {Code::invalid_argument, wanted, range};

    const Distribution distribution(range);
    const uint64_t key = static_cast<uint64_t>(call.ints[3]), draw = static_cast<uint64_t>(*data<int64_t>(call.in[1]));
    int64_t *set = reinterpret_cast<int64_t*>(call.scratch), *sampled = data<int64_t>(call.out[0]);
    const int64_t places = unique ? set_places(wanted) : 0;
    for (int64_t i = 0; i < places; ++i) set[i] = -1;
    int64_t found = 0, tries = 0;
    uint32_t word[kGroupWords];
    for (; found < wanted; ++tries) {
        const int64_t at = tries % (kGroupWords / 2);
        if (at == 0) philox_group(word, key, static_cast<uint64_t>(tries / (kGroupWords / 2)), draw);
        const uint64_t bits = (static_cast<uint64_t>(word[2 * at]) << 32 | word[2 * at + 1]) >> 11;
        const int64_t k = static_cast<int64_t>(distribution.draw(static_cast<double>(bits) * 0x1p-53));
        const int64_t inside = k < 0 ? 0 : k < range ? k : range - 1;  // a last bit of rounding
        if (!unique || insert(set, places, inside)) sampled[found++] = inside;
    }
    const double count = static_cast<double>(tries);
    const auto expected = [&](int64_t k) {
        const double p = distribution.probability(k);
        return static_cast<float>(unique ? -__builtin_expm1(count * __builtin_log1p(-p)) : count * p);
    };
    for (int64_t i = 0; i < n_true; ++i) data<float>(call.out[1])[i] = expected(classes[i]);
    for (int64_t i = 0; i < wanted; ++i) data<float>(call.out[2])[i] = expected(sampled[i]);
    return {};
}

#define LABKIT_CANDIDATE_KERNELS(X)                                                          \
    X("log_uniform_candidates.i64", plan_candidates, run_candidates<LogUniform>, false)      \
    X("uniform_candidates.i64", plan_candidates, run_candidates<EvenClasses>, false)

}  // namespace
}  // namespace labkit
