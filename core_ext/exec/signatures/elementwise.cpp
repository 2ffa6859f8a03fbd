// Element-wise kernels.
#include <algorithm>

#include "exec/signatures/checked.h"

namespace labkit {
namespace {

void unary(const Checked& c) { c.elementwise(1); }
void binary_same(const Checked& c) { c.elementwise(2); }

void binary(const Checked& c, DType result) {
    c.operands(2, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.in(1), c.T);
    c.dtype(c.out(), result);
    const View &a = c.in(0), &b = c.in(1), &y = c.out();
    c.broadcast(a, y);
    c.broadcast(b, y);
    bool exact = y.rank == std::max(a.rank, b.rank);
    for (int i = 1; exact && i <= y.rank; ++i) {
        int64_t from_a = i <= a.rank ? a.shape[a.rank - i] : 1, from_b = i <= b.rank ? b.shape[b.rank - i] : 1;
        exact = y.shape[y.rank - i] == (from_a == 1 ? from_b : from_a);
    }
    c.need(exact, "has a result that is not of its operands' broadcast shape");
}
void arithmetic(const Checked& c) { binary(c, c.T); }
void comparison(const Checked& c) { binary(c, DType::b8); }

void kind(const Checked& c) {
    c.operands(1, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), DType::b8);
    c.same_shape(c.in(0), c.out());
}

void polygamma(const Checked& c) {
    c.elementwise(1);
    c.attributes(1);
    c.need(c.attribute(0) >= 1 && c.attribute(0) <= 30, "has an order from 1 to 30");
}

void add_n(const Checked& c) {
    c.need(c.call.n_in > 0, "adds one operand or more");
    c.elementwise(c.call.n_in);
}

void clip(const Checked& c) {
    c.operands(3, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    c.broadcast(c.in(1), c.out());
    c.broadcast(c.in(2), c.out());
}

void cast(const Checked& c) {
    c.operands(1, 1);
    c.dtype(c.in(0), c.T);
    c.same_shape(c.in(0), c.out());
}

const Signatures registered{
    {arithmetic, "add sub mul div div_no_nan maximum minimum squared_difference atan2", true},
    {arithmetic, "pow floor_div floor_mod truncate_div truncate_mod"},  // they refuse some whole numbers
    {arithmetic, "pow.f32 pow.f64", true},
    {comparison, "equal not_equal less less_equal greater greater_equal", true},
    {unary, "neg abs square sign sqrt rsqrt reciprocal exp log tanh sigmoid relu", true},
    {unary, "sin cos tan asin acos atan sinh cosh asinh acosh atanh floor ceil trunc round", true},
    {unary, "erf erfc log1p expm1 lgamma digamma", true},
    {unary, "copy"},
    {polygamma, "polygamma"},
    {kind, "is_nan is_inf is_finite", true},
    {add_n, "add_n", true},
    {clip, "clip", true},
    {binary_same, "relu_grad", true},
    {cast, "cast", true},
};

}  // namespace
}  // namespace labkit
