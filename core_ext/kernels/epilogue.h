// What a product or convolution does to its result before that leaves the cache: y = relu(sum + bias), or mask > 0 ? sum : 0,
// to the bit what the kernels add, relu and relu_grad (elementwise.inl) would make of the sum.
#pragma once
#include "kernels/stream.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

template <class T>
struct Epilogue {
    const T* bias = nullptr;    // a number for each column (channel) of the result
    bool relu = false;
    const T* mask = nullptr;    // laid out as the result
    const T* result = nullptr;  // where the result begins: says which numbers of the mask belong to which of the result
    bool streams = false;       // store() puts columns of vectors past the caches; all of them are aligned

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

    // Puts a tile of R rows and V vectors to to[i][column .. column + columns); `columns` may be fewer than V vectors have. With
    // `add` it is first added to what is there.
    template <int R, int V>
    LABKIT_INLINE void store(Vec<T> (&x)[R][V], T* const* to, int64_t column, int columns, bool add = false) const {
        if (columns >= V * lanes<T>)
            store_tile<R, V, true>(x, to, column, columns, add);
        else
            store_tile<R, V, false>(x, to, column, columns, add);
    }

   private:
    template <int R, int V, bool Full>
    LABKIT_INLINE void store_tile(Vec<T> (&x)[R][V], T* const* to, int64_t column, int columns, bool add) const {
        constexpr int L = lanes<T>;
        auto some = [columns](const T* p, int v) {
            const int n = columns - v * L;
            return Full || n >= L ? load(p + v * L) : n > 0 ? load_part(p + v * L, n) : Vec<T>{};
        };
        const Vec<T> zero = {};
        if (add) {
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) x[i][v] = some(to[i] + column, v) + x[i][v];
        }
        if (bias) {
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) {
                const Vec<T> more = some(bias + column, v);
                LABKIT_UNROLL
                for (int i = 0; i < R; ++i) x[i][v] = x[i][v] + more;
            }
        }
        if (relu) {
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) x[i][v] = x[i][v] <= zero ? zero : x[i][v];
        }
        if (mask) {
            LABKIT_UNROLL
            for (int i = 0; i < R; ++i)
                LABKIT_UNROLL
                for (int v = 0; v < V; ++v) x[i][v] = some(mask + (to[i] - result) + column, v) > zero ? x[i][v] : zero;
        }
        if constexpr (kStreams && Full && V == 1) {
            if (streams) {
                LABKIT_UNROLL
                for (int i = 0; i < R; ++i) stream(to[i] + column, x[i][0]);
                return;
            }
        }
        LABKIT_UNROLL
        for (int i = 0; i < R; ++i)
            LABKIT_UNROLL
            for (int v = 0; v < V; ++v) {
                T* p = to[i] + column + v * L;
                const int n = columns - v * L;
                if (Full || n >= L)
                    labkit::store(p, x[i][v]);
                else if (n > 0)
                    store_part(p, x[i][v], n);
            }
    }
};

// A call whose third input, where it has one, is a bias, and whose attribute `number`, where it has that, says whether ReLU
// follows.
template <class T>
Epilogue<T> bias_relu(const Call& call, int number) {
    return {call.n_in > 2 ? data<T>(call.in[2]) : nullptr, call.n_ints > number && call.ints[number] != 0};
}

// A call whose third input, where it has one, is a mask.
template <class T>
Epilogue<T> masked(const Call& call) {
    return {nullptr, false, call.n_in > 2 ? data<T>(call.in[2]) : nullptr, data<T>(call.out[0])};
}

}  // namespace
}  // namespace labkit
