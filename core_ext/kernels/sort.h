// Sorting numbers together with their places. A number becomes an unsigned key of the same order: NaN is larger than all
// others, -0 equals 0. Items (a key and a place) of equal keys keep the order of their places, so that sorting is stable.
#pragma once
#include "kernels/walk.h"
#include "labkit/kernel.h"
#include "simd/vec.h"

namespace labkit {
namespace {

enum class Kind { real, signed_int, unsigned_int };

// U: the unsigned integer as wide as the number.
template <class U, Kind kind>
U key_of(U bits, bool descending) {
    constexpr U sign = static_cast<U>(U{1} << (8 * sizeof(U) - 1));
    U key = bits;
    if (kind == Kind::signed_int) key = bits ^ sign;
    if (kind == Kind::real) {
        const U infinity = sizeof(U) == 4 ? static_cast<U>(0x7F800000) : static_cast<U>(uint64_t{0x7FF} << 52);
        const bool nan = (bits & ~sign) > infinity;
        bits = bits == sign ? 0 : bits;
        key = nan ? ~U{0} : bits & sign ? ~bits : bits | sign;
    }
    return descending ? static_cast<U>(~key) : key;
}

// The same of a vector.
template <class U, Kind kind>
LABKIT_INLINE Vec<U> keys_of(Vec<U> bits, bool descending) {
    constexpr U sign = static_cast<U>(U{1} << (8 * sizeof(U) - 1));
    if constexpr (kind == Kind::signed_int) bits = bits ^ sign;
    if constexpr (kind == Kind::real) {
        const U infinity = sizeof(U) == 4 ? static_cast<U>(0x7F800000) : static_cast<U>(uint64_t{0x7FF} << 52);
        const Vec<U> size = bits & static_cast<U>(~sign), ones = ~Vec<U>{};
        const Vec<U> key = (bits & sign) != 0 ? (size == 0 ? Vec<U>{} + sign : ~bits) : bits | sign;
        bits = (Vec<Lane<U>>)size > static_cast<Lane<U>>(infinity) ? ones : key;
    }
    return descending ? ~bits : bits;
}

// A key of at most 32 bits and its place fit into one number.
struct SmallItem {
    using Key = uint32_t;
    uint64_t both;
    static SmallItem make(Key key, int64_t place) { return {uint64_t{key} << 32 | static_cast<uint64_t>(place)}; }
    Key key() const { return static_cast<Key>(both >> 32); }
    int64_t place() const { return static_cast<int64_t>(both & 0xFFFFFFFF); }
    bool before(const SmallItem& other) const { return both < other.both; }
};
struct LargeItem {
    using Key = uint64_t;
    uint64_t number;
    int64_t at;
    static LargeItem make(Key key, int64_t place) { return {key, place}; }
    Key key() const { return number; }
    int64_t place() const { return at; }
    bool before(const LargeItem& other) const { return number < other.number || (number == other.number && at < other.at); }
};
template <class U>
struct ItemOf { using type = SmallItem; };
template <>
struct ItemOf<uint64_t> { using type = LargeItem; };
template <class U>
using Item = typename ItemOf<U>::type;

template <class I>
void insertion_sort(I* a, int64_t n) {
    for (int64_t i = 1; i < n; ++i) {
        const I item = a[i];
        int64_t k = i;
        for (; k && item.before(a[k - 1]); --k) a[k] = a[k - 1];
        a[k] = item;
    }
}

template <class I>
void merge_sort(I* a, I* other, int64_t n) {
    constexpr int64_t kRun = 16;
    for (int64_t i = 0; i < n; i += kRun) insertion_sort(a + i, min_of(kRun, n - i));
    I* from = a;
    I* to = other;
    for (int64_t run = kRun; run < n; run *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * run) {
            int64_t left = begin, right = min_of(begin + run, n), out = begin;
            const int64_t middle = right, end = min_of(begin + 2 * run, n);
            while (left < middle && right < end) {
                const bool second = from[right].before(from[left]);
                to[out++] = from[second ? right : left];
                right += second;
                left += !second;
            }
            while (left < middle) to[out++] = from[left++];
            while (right < end) to[out++] = from[right++];
        }
        I* swap = from;
        from = to;
        to = swap;
    }
    if (from != a) __builtin_memcpy(a, from, n * sizeof(I));
}

// Items that come in the order of their places: one pass for each byte of the key, but those that all have in common.
template <class I>
void radix_sort(I* a, I* other, int64_t n) {
    constexpr int bytes = sizeof(typename I::Key);
    int64_t count[bytes][256] = {};
    for (int64_t i = 0; i < n; ++i) {
        const auto key = a[i].key();
        for (int b = 0; b < bytes; ++b) ++count[b][key >> 8 * b & 255];
    }
    I* from = a;
    I* to = other;
    for (int b = 0; b < bytes; ++b) {
        if (count[b][from[0].key() >> 8 * b & 255] == n) continue;
        int64_t at = 0;
        for (int64_t& c : count[b]) {
            const int64_t first = at;
            at += c;
            c = first;
        }
        for (int64_t i = 0; i < n; ++i) to[count[b][from[i].key() >> 8 * b & 255]++] = from[i];
        I* swap = from;
        from = to;
        to = swap;
    }
    if (from != a) __builtin_memcpy(a, from, n * sizeof(I));
}

// Sorts n items that come in the order of their places; `other` has room for n more.
template <class I>
void sort_items(I* a, I* other, int64_t n) {
    constexpr int64_t kRadix = sizeof(I) == 8 ? 96 : 192;  // from where on it is faster
    if (n < kRadix)
        merge_sort(a, other, n);
    else
        radix_sort(a, other, n);
}

// How many of n sorted items have a smaller key, or (with `equal`) none that is larger.
template <class I>
int64_t items_below(const I* a, int64_t n, typename I::Key key, bool equal) {
    int64_t low = 0;
    while (n) {
        const int64_t half = n / 2;
        const bool right = equal ? a[low + half].key() <= key : a[low + half].key() < key;
        low += right ? half + 1 : 0;
        n = right ? n - half - 1 : half;
    }
    return low;
}

}  // namespace
}  // namespace labkit
