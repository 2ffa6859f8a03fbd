// Arithmetic on sizes that come from outside: the only gate between a shape and an allocation.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "labkit/view.h"

namespace labkit {

constexpr int64_t kMaxBytes = int64_t(1) << 46;  // more than any machine has; leaves room for sums of such sizes

inline int64_t checked_mul(int64_t a, int64_t b, const char* what = "a size") {
    int64_t product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) || product > kMaxBytes)
        throw std::invalid_argument(std::string(what) + " is too large: " + std::to_string(a) + " times " +
                                    std::to_string(b));
    return product;
}

inline int64_t checked_add(int64_t a, int64_t b, const char* what = "a size") {
    int64_t sum;
    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) || sum > kMaxBytes)
        throw std::invalid_argument(std::string(what) + " is too large: " + std::to_string(a) + " plus " +
                                    std::to_string(b));
    return sum;
}

// The number of elements of a shape, which must have at most kMaxRank dimensions, none negative, and a product that
// fits even where a zero dimension makes the whole product zero. Throws std::invalid_argument otherwise.
inline int64_t checked_numel(const int64_t* shape, int64_t rank) {
    if (rank < 0 || rank > kMaxRank)
        throw std::invalid_argument("a shape has at most " + std::to_string(kMaxRank) + " dimensions, not " +
                                    std::to_string(rank));
    int64_t product = 1, nonzero = 1;
    for (int64_t i = 0; i < rank; ++i) {
        if (shape[i] < 0)
            throw std::invalid_argument("a dimension is never negative, received " + std::to_string(shape[i]));
        nonzero = checked_mul(nonzero, shape[i] ? shape[i] : 1, "a shape's number of elements");
        product *= shape[i] ? 1 : 0;
    }
    return product ? nonzero : 0;
}

inline int64_t checked_bytes(const View& view) {
    return checked_mul(checked_numel(view.shape, view.rank), size_of(view.dtype), "a tensor's size in bytes");
}

constexpr int64_t kAlignment = 64;

constexpr int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace labkit
