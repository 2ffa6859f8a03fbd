// Sorting along the last dimension, stable, and the first k of the order.
//
// sort: values and places of a row in order. ints: whether the largest comes first. A long row is cut into parts: phase 0
// sorts each part; in phase 1 each task finds the stretch of every part that belongs to its piece of the result, and sorts
// what they hold.
// top_k: the k largest and their places, the largest first. Candidates are collected in a buffer; when it is full it is
// sorted, the best k stay, and what comes later must beat the worst of them. When k is small each goes to its place at once.
#pragma once
#include "kernels/sort.h"
#include "simd/wide.h"

namespace labkit {
namespace {

constexpr int64_t kOnStack = 2048;       // items of a row that is sorted without scratch memory
constexpr int64_t kSortPart = 1 << 17;  // items of a long row that one task sorts

struct SortShape {
    int64_t rows, length, parts, rows_per_task;

    explicit SortShape(const View& x) : length(x.shape[x.rank - 1]) {
        rows = length ? numel(x) / length : 0;
        parts = ceil_div(length, kSortPart);
        rows_per_task = length > kOnStack ? 1 : max_of(1, kTaskElements / 4 / max_of(1, length));
    }
    int64_t buffers() const { return parts > 1 ? 3 : length > kOnStack ? 2 : 0; }
};

template <class U>
void plan_sort(const Call& call, Work& work) {
    const SortShape s(call.in[0]);
    work.tasks[0] = s.parts > 1 ? s.rows * s.parts : ceil_div(s.rows, s.rows_per_task);
    work.scratch_bytes = s.buffers() * s.rows * s.length * static_cast<int64_t>(sizeof(Item<U>));
    if (s.parts <= 1) return;
    work.phases = 2;
    work.tasks[1] = work.tasks[0];
    work.scratch_bytes += s.rows * s.parts * s.parts * 8;
}

template <class U, Kind kind>
void make_items(Item<U>* items, const U* x, int64_t first, int64_t n, bool descending) {
    for (int64_t i = 0; i < n; ++i) items[i] = Item<U>::make(key_of<U, kind>(x[first + i], descending), first + i);
}

template <class U>
void write_items(U* values, int32_t* places, const U* x, const Item<U>* items, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        places[i] = static_cast<int32_t>(items[i].place());
        values[i] = x[items[i].place()];
    }
}

// Where piece `piece` of the result begins in each sorted part of a row; calls body(part, place).
template <class I, class Body>
void split_parts(const I* row, int64_t length, int64_t piece, Body body) {
    const int64_t parts = ceil_div(length, kSortPart), wanted = min_of(piece * kSortPart, length);
    auto size = [&](int64_t p) { return min_of(kSortPart, length - p * kSortPart); };
    if (wanted == length) {
        for (int64_t p = 0; p < parts; ++p) body(p, size(p));
        return;
    }
    // The smallest key of which, and of smaller ones, there are more than `wanted`.
    using Key = typename I::Key;
    Key low = 0, high = ~Key{0};
    while (low < high) {
        const Key middle = low + (high - low) / 2;
        int64_t count = 0;
        for (int64_t p = 0; p < parts; ++p) count += items_below(row + p * kSortPart, size(p), middle, true);
        if (count > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    int64_t rest = wanted;
    for (int64_t p = 0; p < parts; ++p) rest -= items_below(row + p * kSortPart, size(p), low, false);
    for (int64_t p = 0; p < parts; ++p) {  // of equal keys the earlier parts hold the earlier places
        const I* part = row + p * kSortPart;
        const int64_t below = items_below(part, size(p), low, false);
        const int64_t take = min_of(rest, items_below(part, size(p), low, true) - below);
        rest -= take;
        body(p, below + take);
    }
}

template <class U, Kind kind>
Status run_sort(const Call& call, int phase, int64_t task) {
    using I = Item<U>;
    const SortShape s(call.in[0]);
    const U* x = data<U>(call.in[0]);
    U* values = data<U>(call.out[0]);
    int32_t* places = data<int32_t>(call.out[1]);
    const bool descending = call.ints[0] != 0;
    I* scratch = reinterpret_cast<I*>(call.scratch);
    if (s.parts <= 1) {
        I stack[2 * kOnStack];
        for (int64_t r = task * s.rows_per_task; r < min_of((task + 1) * s.rows_per_task, s.rows); ++r) {
            I* items = s.buffers() ? scratch + 2 * r * s.length : stack;
            make_items<U, kind>(items, x + r * s.length, 0, s.length, descending);
            sort_items(items, items + s.length, s.length);
            write_items(values + r * s.length, places + r * s.length, x + r * s.length, items, s.length);
        }
        return {};
    }
    const int64_t r = task / s.parts, part = task % s.parts, first = part * kSortPart;
    const int64_t n = min_of(kSortPart, s.length - first), total = s.rows * s.length;
    I* row = scratch + r * s.length;
    if (phase == 0) {
        make_items<U, kind>(row + first, x + r * s.length, first, n, descending);
        sort_items(row + first, row + first + total, n);
        return {};
    }
    I* items = row + total + first;
    int64_t filled = 0;
    // Piece `part` is what lies between its beginning and that of the next one, in every part.
    int64_t* begins = reinterpret_cast<int64_t*>(scratch + 3 * total) + task * s.parts;
    split_parts(row, s.length, part, [&](int64_t p, int64_t place) { begins[p] = place; });
    split_parts(row, s.length, part + 1, [&](int64_t p, int64_t place) {
        const int64_t count = place - begins[p];
        __builtin_memcpy(items + filled, row + p * kSortPart + begins[p], count * sizeof(I));
        filled += count;
    });
    sort_items(items, items + total, n);
    write_items(values + r * s.length + first, places + r * s.length + first, x + r * s.length, items, n);
    return {};
}

// ---- top_k

struct TopK {
    int64_t rows, length, k, room, rows_per_task;  // room: items of the buffer

    explicit TopK(const Call& call) : length(call.in[0].shape[call.in[0].rank - 1]) {
        const View& y = call.out[0];
        k = y.shape[y.rank - 1];
        rows = k ? numel(y) / k : 0;
        room = min_of(length, max_of(32, 3 * k));
        rows_per_task = max_of(1, kTaskElements / max_of(1, length));
    }
    int64_t scratch_items() const { return room > kOnStack ? 2 * room : 0; }  // of a row
};

template <class U>
void plan_top_k(const Call& call, Work& work) {
    const TopK t(call);
    work.tasks[0] = ceil_div(t.rows, t.rows_per_task);
    work.scratch_bytes = t.rows * t.scratch_items() * static_cast<int64_t>(sizeof(Item<U>));
}

// The best k of a row, sorted, at the beginning of `items`, which has room for 2 t.room.
template <class U, Kind kind>
void best_of_row(Item<U>* items, const U* x, const TopK& t) {
    constexpr int64_t kFew = 16;
    U limit = ~U{0};  // the worst key that counts, once there are k
    bool limited = false;
    int64_t held = 0;
    LABKIT_ROW(U, t.length, first, n) {
        const Vec<U> block = keys_of<U, kind>(load_n(x + first, n), true);
        if (limited && !any((Vec<int64_t>)(block < limit))) continue;
        U keys[lanes<U>];
        store(keys, block);
        for (int64_t i = 0; i < n; ++i) {
            if (limited && keys[i] >= limit) continue;
            if (t.k <= kFew) {  // the few stay sorted, so that the limit is always that of the worst of them
                int64_t at = held < t.k ? held++ : t.k - 1;
                for (; at && keys[i] < items[at - 1].key(); --at) items[at] = items[at - 1];
                items[at] = Item<U>::make(keys[i], first + i);
                limited = held == t.k;
                limit = static_cast<U>(items[held - 1].key());
                continue;
            }
            if (held == t.room) {
                sort_items(items, items + t.room, held);
                held = t.k;
                limit = static_cast<U>(items[t.k - 1].key());
                limited = true;
                if (keys[i] >= limit) continue;
            }
            items[held++] = Item<U>::make(keys[i], first + i);
        }
    }
    sort_items(items, items + t.room, held);
}

template <class U, Kind kind>
Status run_top_k(const Call& call, int, int64_t task) {
    const TopK t(call);
    const U* x = data<U>(call.in[0]);
    Item<U> stack[2 * kOnStack];
    for (int64_t r = task * t.rows_per_task; r < min_of((task + 1) * t.rows_per_task, t.rows); ++r) {
        Item<U>* items = t.scratch_items() ? reinterpret_cast<Item<U>*>(call.scratch) + r * t.scratch_items() : stack;
        best_of_row<U, kind>(items, x + r * t.length, t);
        write_items(data<U>(call.out[0]) + r * t.k, data<int32_t>(call.out[1]) + r * t.k, x + r * t.length, items, t.k);
    }
    return {};
}

#define LABKIT_SORT(X, name, plan, run)                                       \
    X(name ".f32", plan<uint32_t>, (run<uint32_t, Kind::real>), false)         \
    X(name ".f64", plan<uint64_t>, (run<uint64_t, Kind::real>), false)         \
    X(name ".i32", plan<uint32_t>, (run<uint32_t, Kind::signed_int>), false)   \
    X(name ".i64", plan<uint64_t>, (run<uint64_t, Kind::signed_int>), false)   \
    X(name ".u8", plan<uint8_t>, (run<uint8_t, Kind::unsigned_int>), false)    \
    X(name ".b8", plan<uint8_t>, (run<uint8_t, Kind::unsigned_int>), false)

#define LABKIT_SORT_KERNELS(X)                   \
    LABKIT_SORT(X, "sort", plan_sort, run_sort) \
    LABKIT_SORT(X, "top_k", plan_top_k, run_top_k)

}  // namespace
}  // namespace labkit
