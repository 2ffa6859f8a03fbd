// Kernels that sort, search and count.
#include <cstdint>

#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void places(const Checked& c, const View& view, int64_t length) {
    c.dtype(view, DType::i32);
    c.need(length <= INT32_MAX, "takes rows of fewer than 2^31 elements");
}

// Rows of the last dimension; `view` has as many of them as x.
void rows(const Checked& c, const View& x, const View& view) {
    c.need(x.rank >= 1 && view.rank == x.rank && std::equal(x.shape, x.shape + x.rank - 1, view.shape),
           "takes operands with the same rows");
}

void sort(const Checked& c) {
    c.operands(1, 2);
    c.attributes(1);
    const View& x = c.in(0);
    c.dtype(x, c.T);
    c.dtype(c.out(0), c.T);
    rows(c, x, c.out(0));
    c.same_shape(x, c.out(0));
    c.same_shape(x, c.out(1));
    places(c, c.out(1), x.shape[x.rank - 1]);
}
void top_k(const Checked& c) {
    c.operands(1, 2);
    const View &x = c.in(0), &y = c.out(0);
    c.dtype(x, c.T);
    c.dtype(y, c.T);
    rows(c, x, y);
    c.same_shape(y, c.out(1));
    places(c, c.out(1), x.shape[x.rank - 1]);
    c.need(y.shape[x.rank - 1] <= x.shape[x.rank - 1], "takes at most all elements of a row");
}

void whole_numbers(const Checked& c, const View& view) {
    c.need(view.dtype == DType::i32 || view.dtype == DType::i64, "takes integers of 32 or 64 bits");
}
void bincount(const Checked& c) {
    c.operands(1, 1);
    whole_numbers(c, c.in(0));
    c.dtype(c.out(), c.T);
    c.rank(c.out(), 1);
}
void bincount_size(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.scalar(c.out());
}
void segment_count(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.rank(c.in(0), 1);
    c.scalar(c.out());
}
void in_top_k(const Checked& c) {
    c.operands(2, 1);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    whole_numbers(c, c.in(1));
    c.dtype(c.out(), DType::b8);
    c.rank(c.in(0), 2);
    c.rank(c.in(1), 1);
    c.same_shape(c.in(1), c.out());
    c.need(c.in(0).shape[0] == c.out().shape[0], "takes a target for each row");
}
void searchsorted(const Checked& c) {
    c.operands(2, 1);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.in(1), c.T);
    rows(c, c.in(0), c.in(1));
    c.same_shape(c.in(1), c.out());
    places(c, c.out(), c.in(0).shape[c.in(0).rank - 1]);
}

const Signatures registered{
    {sort, "sort"},
    {top_k, "top_k"},
    {bincount, "bincount"},
    {bincount_size, "bincount_size"},
    {segment_count, "segment_count"},
    {in_top_k, "in_top_k"},
    {searchsorted, "searchsorted"},
};

}  // namespace
}  // namespace labkit
