#include "bind/arrays.h"

#include <stdexcept>

#include "exec/checked.h"
#include "exec/plan.h"

namespace labkit {
namespace {

using Flags = py::detail::npy_api::constants;

[[noreturn]] void fail(const std::string& text) { throw std::invalid_argument(text); }

bool dtype_of(const py::array& array, DType& dtype) {
    const auto* descr = py::detail::array_descriptor_proxy(py::detail::array_proxy(array.ptr())->descr);
    if (descr->byteorder == '>')
        return false;  // '=', '|' and '<' are the machine's own order on the machines we run on
    switch (descr->kind) {
        case 'f':
            dtype = array.itemsize() == 4 ? DType::f32 : DType::f64;
            return array.itemsize() == 4 || array.itemsize() == 8;
        case 'i':
            dtype = array.itemsize() == 4 ? DType::i32 : DType::i64;
            return array.itemsize() == 4 || array.itemsize() == 8;
        case 'u':
            dtype = DType::u8;
            return array.itemsize() == 1;
        case 'b':
            dtype = DType::b8;
            return true;
        default:
            return false;
    }
}

}  // namespace

View view_of(const py::handle& object, const std::string& what, bool written) {
    if (!py::isinstance<py::array>(object)) fail(what + " is not a NumPy array");
    auto array = py::reinterpret_borrow<py::array>(object);
    View view{};
    if (!dtype_of(array, view.dtype))
        fail(what + " is an array of " + py::str(array.dtype()).cast<std::string>() +
             ", not of float32, float64, int32, int64, uint8 or bool");
    if (array.ndim() > kMaxRank) fail(what + " has more than " + std::to_string(kMaxRank) + " dimensions");
    int flags = array.flags();
    if (!(flags & Flags::NPY_ARRAY_C_CONTIGUOUS_) || !(flags & Flags::NPY_ARRAY_ALIGNED_))
        fail(what + " is not a dense, aligned array in C order; np.ascontiguousarray makes one");
    if (written && !(flags & Flags::NPY_ARRAY_WRITEABLE_)) fail(what + " is read-only");
    view.data = const_cast<void*>(array.data());
    view.rank = static_cast<int32_t>(array.ndim());
    for (int i = 0; i < view.rank; ++i) view.shape[i] = array.shape(i);
    return view;
}

View view_like(const py::handle& object, const View& type, const std::string& what, int64_t lead) {
    View view = view_of(object, what);
    View wanted = type;
    if (lead >= 0) {
        wanted.rank = type.rank + 1;
        if (wanted.rank > kMaxRank) fail(what + " would have more than " + std::to_string(kMaxRank) + " dimensions");
        wanted.shape[0] = lead;
        std::copy(type.shape, type.shape + type.rank, wanted.shape + 1);
    }
    if (view.dtype != wanted.dtype || view.rank != wanted.rank ||
        !std::equal(view.shape, view.shape + view.rank, wanted.shape))
        fail(what + " is " + text_of(view) + ", expected " + text_of(wanted));
    return view;
}

namespace {

// An array of the type with one more dimension `lead` in front where that is not negative; of new memory where `data` is null.
py::array make_array(const View& type, int64_t lead, void* data) {
    static const py::dtype* const dtypes =
        new py::dtype[6]{py::dtype::of<float>(),   py::dtype::of<double>(),  py::dtype::of<int32_t>(),
                         py::dtype::of<int64_t>(), py::dtype::of<uint8_t>(), py::dtype::of<bool>()};
    py::ssize_t shape[kMaxRank + 1];
    int rank = 0;
    if (lead >= 0) shape[rank++] = static_cast<py::ssize_t>(lead);
    for (int i = 0; i < type.rank; ++i) shape[rank++] = static_cast<py::ssize_t>(type.shape[i]);
    auto& api = py::detail::npy_api::get();
    py::dtype dtype = dtypes[static_cast<int>(type.dtype)];
    const int flags = data ? Flags::NPY_ARRAY_C_CONTIGUOUS_ | Flags::NPY_ARRAY_ALIGNED_ : 0;
    PyObject* made =
        api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype.release().ptr(), rank, shape, nullptr, data, flags, nullptr);
    if (!made) throw py::error_already_set();
    return py::reinterpret_steal<py::array>(made);
}

}  // namespace

py::array new_array(const View& type, int64_t lead) { return make_array(type, lead, nullptr); }

py::array view_array(const View& view, const py::object& owner) {
    if (!view.data) return new_array(view);  // of no elements
    py::array made = make_array(view, -1, view.data);
    if (py::detail::npy_api::get().PyArray_SetBaseObject_(made.ptr(), owner.inc_ref().ptr()) < 0) throw py::error_already_set();
    return made;
}

View type_from(const std::string& dtype, const py::sequence& shape) {
    View view{};
    view.dtype = dtype_named(dtype);
    if (shape.size() > kMaxRank)
        fail("a shape has at most " + std::to_string(kMaxRank) + " dimensions, not " + std::to_string(shape.size()));
    for (const py::handle dimension : shape) {
        try {
            view.shape[view.rank++] = dimension.cast<int64_t>();
        } catch (const py::cast_error&) {
            fail("a dimension is an integer below 2^63, not " + py::repr(dimension).cast<std::string>());
        }
    }
    checked_bytes(view);
    return view;
}

}  // namespace labkit
