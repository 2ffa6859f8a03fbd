// The five transforms of Winograd's algorithms F(4x4, 3x3) and F(2x2, 5x5) along one dimension.
//
// The interpolation points are 0, +-1/sqrt(2), +-sqrt(2) and infinity: half the rounding error of the usual 0, +-1, +-2 (Barabasz,
// Anderson, Soodhalter, Gregg, "Error Analysis and Improving the Accuracy of Winograd Convolution"), at the same cost. B depends
// on the points alone, row j of G and column j of A on the powers of point j.
#pragma once
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr double kWinogradA = 0.70710678118654752440, kWinogradB = 1.41421356237309504880;  // the points; a^2 = 1/2, b^2 = 2

// B^T d: six numbers of six.
template <class T>
LABKIT_INLINE void winograd_input(const Vec<T>* d, Vec<T>* v, int step) {
    const Vec<T> a = broadcast(T(kWinogradA)), b = broadcast(T(kWinogradB)), five_halves = broadcast(T(2.5));
    const Vec<T> even_a = d[4] - (d[2] + d[2]), odd_a = fma(a, d[3], -(b * d[1]));
    const Vec<T> even_b = fma(broadcast(T(-0.5)), d[2], d[4]), odd_b = fma(b, d[3], -(a * d[1]));
    v[0] = fma(-five_halves, d[2], d[0] + d[4]);
    v[step] = even_a + odd_a, v[2 * step] = even_a - odd_a;
    v[3 * step] = even_b + odd_b, v[4 * step] = even_b - odd_b;
    v[5 * step] = fma(-five_halves, d[3], d[1] + d[5]);
}

// A^T m: 7 - R numbers of six.
template <class T, int R>
LABKIT_INLINE void winograd_output(const Vec<T>* m, Vec<T>* y, int step) {
    const Vec<T> a = broadcast(T(kWinogradA)), b = broadcast(T(kWinogradB)), half = broadcast(T(0.5));
    const Vec<T> s1 = m[1] + m[2], t1 = a * (m[1] - m[2]), s2 = m[3] + m[4], t2 = b * (m[3] - m[4]);
    y[0] = m[0] + s1 + s2;
    if constexpr (R == 5) {
        y[step] = t1 + t2 + m[5];
    } else {
        y[step] = t1 + t2;
        y[2 * step] = fma(half, s1, s2 + s2);
        y[3 * step] = fma(half, t1, t2 + t2) + m[5];
    }
}

// G g: six numbers of R, which are g[0], g[from], g[2 * from] ...
template <class T, int R>
LABKIT_INLINE void winograd_filter(const Vec<T>* g, int from, Vec<T>* u, int step) {
    const Vec<T> half = broadcast(T(0.5));
    Vec<T> even_a = fma(half, g[2 * from], g[0]), odd_a = g[from], even_b = g[0] + g[2 * from] + g[2 * from], odd_b = g[from];
    if constexpr (R == 5) {
        even_a = fma(broadcast(T(0.25)), g[4 * from], even_a), odd_a = fma(half, g[3 * from], odd_a);
        even_b = fma(broadcast(T(4)), g[4 * from], even_b), odd_b = odd_b + g[3 * from] + g[3 * from];
    }
    even_a = broadcast(T(-1 / 1.5)) * even_a, odd_a = broadcast(T(-kWinogradA / 1.5)) * odd_a;
    even_b = broadcast(T(1 / 6.0)) * even_b, odd_b = broadcast(T(kWinogradB / 6)) * odd_b;
    u[0] = g[0];
    u[step] = even_a + odd_a, u[2 * step] = even_a - odd_a;
    u[3 * step] = even_b + odd_b, u[4 * step] = even_b - odd_b;
    u[5 * step] = g[(R - 1) * from];
}

// A y: six numbers of 7 - R.
template <class T, int R>
LABKIT_INLINE void winograd_gradient(const Vec<T>* y, Vec<T>* z, int step) {
    constexpr int M = 7 - R;
    const Vec<T> a = broadcast(T(kWinogradA)), b = broadcast(T(kWinogradB)), half = broadcast(T(0.5));
    Vec<T> even_a = y[0], odd_a = y[1], even_b = y[0], odd_b = y[1];
    if constexpr (M == 4) {
        even_a = fma(half, y[2], even_a), odd_a = fma(half, y[3], odd_a);
        even_b = even_b + (y[2] + y[2]), odd_b = odd_b + (y[3] + y[3]);
    }
    odd_a = a * odd_a, odd_b = b * odd_b;
    z[0] = y[0];
    z[step] = even_a + odd_a, z[2 * step] = even_a - odd_a;
    z[3 * step] = even_b + odd_b, z[4 * step] = even_b - odd_b;
    z[5 * step] = y[M - 1];
}

// G^T u: R numbers of six.
template <class T, int R>
LABKIT_INLINE void winograd_filter_sum(const Vec<T>* u, Vec<T>* g, int step) {
    const Vec<T> s1 = u[1] + u[2], t1 = u[1] - u[2], s2 = u[3] + u[4], t2 = u[3] - u[4];
    const Vec<T> third = broadcast(T(1 / 3.0)), less_third = broadcast(T(-1 / 3.0));
    g[0] = fma(broadcast(T(1 / 6.0)), s2, fma(broadcast(T(-2 / 3.0)), s1, u[0]));
    g[step] = fma(broadcast(T(kWinogradB / 6)), t2, broadcast(T(-2 * kWinogradA / 3)) * t1);
    if constexpr (R == 3) {
        g[2 * step] = fma(third, s2, fma(less_third, s1, u[5]));
    } else {
        g[2 * step] = fma(third, s2, less_third * s1);
        g[3 * step] = fma(broadcast(T(kWinogradB / 3)), t2, broadcast(T(-kWinogradA / 3)) * t1);
        g[4 * step] = fma(broadcast(T(2 / 3.0)), s2, fma(broadcast(T(-1 / 6.0)), s1, u[5]));
    }
}

}  // namespace
}  // namespace labkit
