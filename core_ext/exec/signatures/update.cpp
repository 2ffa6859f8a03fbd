// Kernels that update variables in place.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// Steps: single numbers, then the gradient, of the shape that every output has.
template <int numbers, int outputs, int ints = 0>
void steps(const Checked& c) {
    c.operands(numbers + 1, outputs);
    c.attributes(ints);
    c.all_T();
    for (int i = 0; i < numbers; ++i) c.scalar(c.in(i));
    c.same_shape(c.in(numbers), c.out());
    for (int i = 1; i < outputs; ++i) c.same_shape(c.out(i), c.out());
}

// The same for rows: the gradient has one for each of the indices, which come last.
template <int numbers, int outputs, int ints = 0>
void row_steps(const Checked& c) {
    c.operands(numbers + 2, outputs);
    c.attributes(ints);
    for (int i = 0; i < numbers; ++i) c.scalar(c.in(i));
    for (int i = 0; i <= numbers; ++i) c.dtype(c.in(i), c.T);
    for (int i = 0; i < outputs; ++i) c.dtype(c.out(i), c.T);
    for (int i = 1; i < outputs; ++i) c.same_shape(c.out(i), c.out());
    const View &rows = c.in(numbers), &indices = c.in(numbers + 1), &var = c.out();
    c.need(indices.dtype == DType::i32 || indices.dtype == DType::i64, "takes indices of 32 or 64 bits");
    c.rank(indices, 1);
    c.need(var.rank >= 1, "updates rows of something with dimensions");
    c.rank(rows, var.rank);
    c.need(rows.shape[0] == indices.shape[0] && std::equal(rows.shape + 1, rows.shape + rows.rank, var.shape + 1),
           "takes a row for each index");
    checked_mul(indices.shape[0], 6 * 8, "the positions of rows");
}

const Signatures registered{
    {steps<0, 1>, "assign_add assign_sub"},
    {steps<1, 1>, "apply_gradient_descent"},
    {steps<2, 2, 1>, "apply_momentum"},
    {steps<6, 3>, "apply_adam"},
    {steps<7, 3>, "apply_adamw"},
    {steps<7, 4>, "apply_amsgrad"},
    {steps<5, 3>, "apply_adamax"},
    {steps<8, 3>, "apply_nadam"},
    {steps<4, 3>, "apply_rms_prop"},
    {steps<4, 4>, "apply_centered_rms_prop"},
    {steps<2, 2>, "apply_adagrad"},
    {steps<3, 3>, "apply_adadelta"},
    {steps<5, 3>, "apply_ftrl"},
    {row_steps<2, 2, 1>, "sparse_apply_momentum"},
    {row_steps<4, 3>, "sparse_apply_rms_prop"},
    {row_steps<4, 4>, "sparse_apply_centered_rms_prop"},
    {row_steps<2, 2>, "sparse_apply_adagrad"},
    {row_steps<3, 3>, "sparse_apply_adadelta"},
    {row_steps<5, 3>, "sparse_apply_ftrl"},
};

}  // namespace
}  // namespace labkit
