// The operations of reductions, and how reduced elements are spread over lanes and chunks (top of reduce.inl).
#pragma once
#include "labkit/kernel.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int64_t kChunk = 1024;
constexpr int kLanes = 16;
constexpr int64_t kColumns = 256;  // outputs that are summed side by side when the last dimension stays

template <class T>
constexpr bool is_real = static_cast<T>(0.5) != 0;

template <class T>
constexpr T lowest() {
    if (is_real<T>) return static_cast<T>(-__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MIN) : static_cast<T>(INT64_MIN);
}
template <class T>
constexpr T highest() {
    if (is_real<T>) return static_cast<T>(__builtin_inf());
    return sizeof(T) == 4 ? static_cast<T>(INT32_MAX) : static_cast<T>(INT64_MAX);
}

// An operation. A lane adds up what `element` makes of a number (and, where `shifted`, of the second operand's number for that
// output); `of` is the step for numbers and vectors alike, from `neutral` on; chunks are joined as Totals, and `finish` gives
// the output for n reduced elements.
template <class L, class Sum>
struct Plain {
    using Lane = L;
    using Total = Sum;
    static constexpr bool shifted = false;
    static constexpr bool associative = false;  // whether stretches may be joined, in their order, with the same bits
    template <class V>
    static V element(V x, V) { return x; }
};

template <class T>
struct Sum : Plain<T, double> {
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a + b; }
    static T finish(double total, int64_t) { return static_cast<T>(total); }
};
template <class T>
struct Mean : Sum<T> {
    static T finish(double total, int64_t n) { return static_cast<T>(total / static_cast<double>(n)); }
};
template <class T>
struct WrappingSum : Plain<T, T> {  // of unsigned integers
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a + b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct WholeMean : WrappingSum<uint64_t> {  // of integers, without what comes after the point
    static T finish(uint64_t total, int64_t n) { return n ? static_cast<T>(static_cast<int64_t>(total) / n) : 0; }
};
template <class T>
struct Product : Plain<double, double> {  // in float64: a float32 product may pass through numbers beyond float32
    static constexpr double neutral = 1;
    template <class V>
    static V of(V a, V b) { return a * b; }
    static T finish(double total, int64_t) { return static_cast<T>(total); }
};
template <class T>
struct WrappingProduct : Plain<T, T> {
    static constexpr T neutral = 1;
    template <class V>
    static V of(V a, V b) { return a * b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Norm : Sum<double> {  // likewise in float64
    template <class V>
    static V element(V x, V) { return x * x; }
    static T finish(double total, int64_t) { return static_cast<T>(__builtin_sqrt(total)); }
};
template <class T>
struct HalfSquares : Sum<T> {
    template <class V>
    static V element(V x, V) { return x * x; }
    static T finish(double total, int64_t) { return static_cast<T>(total / 2); }
};
template <class T>
struct Variance : Mean<T> {  // about given means
    static constexpr bool shifted = true;
    template <class V>
    static V element(V x, V mean) { return (x - mean) * (x - mean); }
};
template <class T>
struct Max : Plain<T, T> {  // of equal elements the last, of NaNs the first
    static constexpr T neutral = lowest<T>();
    static constexpr bool associative = true;
    template <class V>
    static V of(V a, V b) { return ((a > b) | (a != a)) ? a : b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Min : Plain<T, T> {  // of equal elements the last, of NaNs the first
    static constexpr T neutral = highest<T>();
    static constexpr bool associative = true;
    template <class V>
    static V of(V a, V b) { return ((a < b) | (a != a)) ? a : b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct All : Plain<T, T> {
    static constexpr T neutral = 1;
    template <class V>
    static V of(V a, V b) { return a & b; }
    static T finish(T total, int64_t) { return total; }
};
template <class T>
struct Any : Plain<T, T> {
    static constexpr T neutral = 0;
    template <class V>
    static V of(V a, V b) { return a | b; }
    static T finish(T total, int64_t) { return total; }
};

}  // namespace
}  // namespace labkit
