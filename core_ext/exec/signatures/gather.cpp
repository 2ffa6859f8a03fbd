// Kernels that are addressed by indices.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void indices(const Checked& c, const View& view) {
    c.need(view.dtype == DType::i32 || view.dtype == DType::i64, "takes indices of 32 or 64 bits");
}

// Whether dimensions [first, first + n) of a are those of b from `other` on.
void same_dims(const Checked& c, const View& a, int64_t first, const View& b, int64_t other, int64_t n) {
    c.need(n >= 0 && first + n <= a.rank && other + n <= b.rank &&
               std::equal(a.shape + first, a.shape + first + n, b.shape + other),
           "has operands whose shapes do not fit");
}

// x [batch, outer, n, inner], indices [batch, count], y [batch, outer, count, inner]
void gathered(const Checked& c, const View& x, const View& index, const View& y) {
    c.operands(2, 1);
    indices(c, index);
    c.dtype(x, c.T);
    c.dtype(y, c.T);
    c.attributes(2);
    const int64_t axis = c.attribute(0), batch = c.attribute(1), count = index.rank - batch;
    c.need(batch >= 0 && batch <= axis && axis < x.rank && count >= 0, "has an axis or batch dimensions that it cannot have");
    c.rank(y, static_cast<int>(x.rank - 1 + count));
    same_dims(c, x, 0, index, 0, batch);
    same_dims(c, x, 0, y, 0, axis);
    same_dims(c, index, batch, y, axis, count);
    same_dims(c, x, axis + 1, y, axis + count, x.rank - axis - 1);
}
void gather(const Checked& c) {
    c.attributes(3);
    gathered(c, c.in(0), c.in(1), c.out());
}
void gather_grad(const Checked& c) { gathered(c, c.out(), c.in(1), c.in(0)); }

// x [addressed by depth numbers, inner], y [rows, inner], indices [rows] of depth numbers
void addressed(const Checked& c, const View& x, const View& index, int64_t depth, int64_t rows_rank, const View& y) {
    indices(c, index);
    c.dtype(x, c.T);
    c.dtype(y, c.T);
    c.need(depth <= x.rank, "addresses more dimensions than there are");
    c.rank(y, static_cast<int>(rows_rank + x.rank - depth));
    same_dims(c, index, 0, y, 0, rows_rank);
    same_dims(c, x, depth, y, rows_rank, x.rank - depth);
}
void gather_nd(const Checked& c) {
    c.operands(2, 1);
    const View& index = c.in(1);
    c.need(index.rank >= 1, "takes indices with at least one dimension");
    addressed(c, c.in(0), index, index.shape[index.rank - 1], index.rank - 1, c.out());
}

// The last dimension of the indices is one index, unless the attribute says that each number is one.
void scattered(const Checked& c, const View& index, const View& updates) {
    c.attributes(1);
    const bool single = c.attribute(0) != 0;
    c.need(single || index.rank >= 1, "takes indices with at least one dimension");
    addressed(c, c.out(), index, single ? 1 : index.shape[index.rank - 1], index.rank - !single, updates);
}
void scatter(const Checked& c) {
    c.operands(2, 1);
    scattered(c, c.in(0), c.in(1));
}
void tensor_scatter(const Checked& c) {
    c.operands(3, 1);
    c.dtype(c.in(0), c.T);
    c.same_shape(c.in(0), c.out());
    scattered(c, c.in(1), c.in(2));
}

void scatter_winners(const Checked& c) {
    c.operands(1, 1);
    c.dtype(c.out(), c.T);
    const View& index = c.in(0);
    indices(c, index);
    c.need(index.rank >= 1 && index.shape[index.rank - 1] == c.call.n_ints && c.call.n_ints <= kMaxRank,
           "takes one size for each number of an index");
    checked_mul(checked_numel(c.call.ints, c.call.n_ints), 8, "the places of an update");
    same_dims(c, index, 0, c.out(), 0, index.rank - 1);
}

void check_indices(const Checked& c) {
    c.elementwise(1);
    c.attributes(1);
    const View& index = c.in(0);
    indices(c, index);
    const bool single = c.attribute(0) != 0;
    c.need(single || index.rank >= 1, "takes indices with at least one dimension");
    c.need(c.call.n_ints - 1 >= (single ? 1 : index.shape[index.rank - 1]), "takes one limit for each number of an index");
}

void unsorted_segment(const Checked& c) {
    c.operands(2, 1);
    c.need(c.out().rank >= 1, "gives at least one dimension");
    addressed(c, c.out(), c.in(1), 1, c.in(1).rank, c.in(0));
}

void embedding_bag(const Checked& c) {
    c.operands(c.call.n_in == 4 ? 4 : 3, 1);
    const View &x = c.in(0), &ids = c.in(1), &offsets = c.in(2), &y = c.out();
    indices(c, ids);
    indices(c, offsets);
    c.dtype(x, c.T);
    c.dtype(y, c.T);
    c.rank(x, 2);
    c.rank(y, 2);
    c.rank(offsets, 1);
    c.need(ids.rank == 1 || ids.rank == 2, "takes ids of one or two dimensions");
    c.need(y.shape[1] == x.shape[1] && y.shape[0] == (ids.rank == 1 ? offsets : ids).shape[0], "gives a row for each bag");
    if (c.call.n_in < 4) return;
    c.dtype(c.in(3), c.T);
    c.same_shape(c.in(3), ids);
}
void bag_ids(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.attributes(1);
    c.rank(c.in(0), 1);
    c.rank(c.out(), 1);
    c.need(c.attribute(0) >= 0, "takes a length that is not negative");
}

void array_index(const Checked& c) {
    c.operands(2, 1);
    c.attributes(1);
    indices(c, c.in(0));
    c.rank(c.in(0), 1);
    c.dtype(c.in(1), DType::u8);
    c.rank(c.in(1), 1);
    c.dtype(c.out(), DType::i64);
    c.same_shape(c.in(0), c.out());
}

const Signatures registered{
    {gather, "gather", false, true},
    {gather_grad, "gather_grad"},
    {gather_nd, "gather_nd", false, true},
    {check_indices, "check_indices"},
    {array_index, "array_index"},
    {scatter, "scatter_nd scatter_update scatter_add scatter_sub"},
    {tensor_scatter, "tensor_scatter_update tensor_scatter_add tensor_scatter_sub"},
    {embedding_bag, "embedding_bag"},
    {bag_ids, "bag_ids"},
    {scatter_winners, "scatter_winners"},
    {unsorted_segment, "weighted_bincount unsorted_segment_sum unsorted_segment_prod unsorted_segment_max unsorted_segment_min"},
};

}  // namespace
}  // namespace labkit
