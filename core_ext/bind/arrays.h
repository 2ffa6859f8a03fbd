// NumPy arrays as the views that kernels see.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "labkit/view.h"

namespace labkit {

namespace py = pybind11;

// The array as a view. Throws std::invalid_argument, naming it as `what`, where the array is not a dense, aligned,
// native-endian block of one of the six dtypes with at most kMaxRank dimensions, or is to be written and may not be.
View view_of(const py::handle& object, const std::string& what, bool written = false);

// The same where dtype and shape must be those of `type`; `lead` >= 0 asks for one more dimension of that size in
// front.
View view_like(const py::handle& object, const View& type, const std::string& what, int64_t lead = -1);

// A new array with the dtype and shape of `type`; `lead` as above.
py::array new_array(const View& type, int64_t lead = -1);

// A read-only array of the view's own memory, which `owner` keeps alive.
py::array view_array(const View& view, const py::object& owner);

// A View without data from "f32" and a sequence of dimensions.
View type_from(const std::string& dtype, const py::sequence& shape);

}  // namespace labkit
