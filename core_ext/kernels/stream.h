// Stores past the caches, so that nobody reads a line first that is overwritten as a whole: for results that are larger than
// what the caches keep until somebody reads them.
#pragma once
#include "labkit/view.h"
#include "simd/vec.h"

namespace labkit {
namespace {

// Where a vector is a line of the cache.
constexpr bool kStreams = kVectorBytes == 64;
constexpr int64_t kStreamBytes = int64_t{16} << 20;  // of a result

// Puts an aligned vector past the caches. Whoever does so ends with stream_end, before other threads may look.
template <class T>
LABKIT_INLINE void stream(T* p, Vec<T> v) {
#if defined(__AVX512F__)
    _mm512_stream_ps(reinterpret_cast<float*>(p), (__m512)v);
#else
    store(p, v);
#endif
}

LABKIT_INLINE void stream_end() {
#if defined(__AVX512F__)
    _mm_sfence();
#endif
}

inline bool is_large(const View& y) { return numel(y) * size_of(y.dtype) >= kStreamBytes; }

// Whether a large result whose rows have `width` elements goes past the caches: only aligned vectors can.
template <class T>
bool streams(const View& y, int64_t width) {
    return kStreams && is_large(y) && width % lanes<T> == 0 && reinterpret_cast<uintptr_t>(y.data) % kVectorBytes == 0;
}

// Stores n lanes of v. `past` is what streams() says.
template <class T, class N>
LABKIT_INLINE void put_n(T* p, Vec<T> v, N n, bool past) {
    if (past)
        stream(p, v);
    else
        store_n(p, v, n);
}

}  // namespace
}  // namespace labkit
