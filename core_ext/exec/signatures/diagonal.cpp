// Diagonals and bands of matrices.
#include "exec/signatures/checked.h"

namespace labkit {
namespace {

// `whole` holds matrices of rows x columns, and `diagonals` as many rows of min(rows, columns) elements.
void diagonals(const Checked& c, const View& whole, const View& part, int64_t rows, int64_t columns) {
    c.need(rows >= 0 && columns >= 0, "takes matrices of a size that is not negative");
    const int64_t length = std::min(rows, columns), size = checked_mul(rows, columns);
    const int64_t matrices = size ? numel(whole) / size : 0;
    c.need(numel(whole) == matrices * size && numel(part) == matrices * length,
           "has another number of diagonals than of matrices");
}
void matrix_diag(const Checked& c) {
    c.operands(1, 1);
    c.attributes(1);
    c.all_T();
    diagonals(c, c.out(), c.in(0), c.attribute(0), c.attribute(0));
}
void matrix_diag_part(const Checked& c) {
    c.operands(1, 1);
    c.attributes(2);
    c.all_T();
    diagonals(c, c.in(0), c.out(), c.attribute(0), c.attribute(1));
}
void matrix_set_diag(const Checked& c) {
    c.operands(2, 1);
    c.attributes(2);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    diagonals(c, c.in(0), c.in(1), c.attribute(0), c.attribute(1));
}
void matrix_band_part(const Checked& c) {
    c.elementwise(1);
    c.attributes(2);
    c.need(c.in(0).rank >= 2, "takes matrices");
}

const Signatures registered{
    {matrix_diag, "matrix_diag"},
    {matrix_diag_part, "matrix_diag_part"},
    {matrix_set_diag, "matrix_set_diag"},
    {matrix_band_part, "matrix_band_part"},
};

}  // namespace
}  // namespace labkit
