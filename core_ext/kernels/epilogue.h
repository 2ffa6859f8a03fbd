// What a product or convolution does to its result before that leaves the cache: y = relu(sum + bias), or mask > 0 ? sum : 0,
// to the bit what the kernels add, relu and relu_grad (elementwise.inl) would make of the sum.
#pragma once
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
struct Epilogue {
    const T* bias = nullptr;    // a number for each column (channel) of the result
    bool relu = false;
    const T* mask = nullptr;    // laid out as the result
    const T* result = nullptr;  // where the result begins: says which numbers of the mask belong to which of the result

    explicit operator bool() const { return bias || relu || mask; }

    // The same for the columns from `first` on (of a group of channels, of a block).
    Epilogue from(int64_t first) const {
        Epilogue e = *this;
        if (e.bias) e.bias += first;
        return e;
    }

    // n sums that belong to result[to .. to + n), in the columns from `column` on.
    LABKIT_INLINE Vec<T> of(Vec<T> x, const T* to, int64_t column, int64_t n) const {
        if (bias) x = x + load_n(bias + column, n);
        if (relu) x = x <= 0 ? Vec<T>{} : x;
        if (mask) x = load_n(mask + (to - result), n) > 0 ? x : Vec<T>{};
        return x;
    }

    // The sums that lie in rows[i][column .. column + columns) already, for i < count.
    void finish(T* const* rows, int64_t count, int64_t column, int64_t columns) const {
        for (int64_t i = 0; i < count; ++i)
            LABKIT_ROW(T, columns, c, n) {
                T* to = rows[i] + column + c;
                store_n(to, of(load_n(to, n), to, column + c, n), n);
            }
    }
};

}  // namespace
}  // namespace labkit
