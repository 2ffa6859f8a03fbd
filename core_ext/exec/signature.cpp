#include "exec/signature.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "exec/checked.h"
#include "exec/plan.h"

namespace labkit {
namespace {

constexpr int64_t kMaxStride = 1 << 16, kMaxPad = int64_t(1) << 31;

// One call under examination. T is the dtype in the kernel's name.
struct Checked {
    const std::string& name;
    const Call& call;
    DType T;

    [[noreturn]] void fail(const std::string& text) const {
        std::string operands;
        for (int i = 0; i < call.n_in + call.n_out; ++i) {
            const View& view = i < call.n_in ? call.in[i] : call.out[i - call.n_in];
            operands += (i == 0 ? "" : i == call.n_in ? " -> " : ", ") + (view.rank < 0 ? "nothing" : text_of(view));
        }
        throw std::invalid_argument(name + " " + text + ", received " + operands);
    }
    void need(bool condition, const char* text) const {
        if (!condition) fail(text);
    }

    const View& in(int i) const { return call.in[i]; }
    const View& out(int i = 0) const { return call.out[i]; }
    int64_t attribute(int i) const { return call.ints[i]; }

    void operands(int inputs, int outputs) const {
        if (call.n_in != inputs || call.n_out != outputs)
            fail("takes " + std::to_string(inputs) + " inputs and gives " + std::to_string(outputs) + " outputs");
        for (int i = 0; i < inputs; ++i) need(in(i).rank >= 0, "lacks an input");
    }
    void attributes(int ints, int reals = 0) const {
        need(call.n_ints >= ints && call.n_reals >= reals, "lacks attributes");
    }
    void dtype(const View& view, DType wanted) const {
        if (view.dtype != wanted) fail(std::string("has an operand that is not ") + name_of(wanted));
    }
    void all_T() const {
        for (int i = 0; i < call.n_in; ++i) dtype(in(i), T);
        for (int i = 0; i < call.n_out; ++i) dtype(out(i), T);
    }
    void same_shape(const View& a, const View& b) const {
        need(a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape), "takes operands of one shape");
    }
    void scalar(const View& view) const { need(numel(view) == 1, "takes one number where it got more or less"); }
    void broadcast(const View& small, const View& large) const {
        bool fits = small.rank <= large.rank;
        for (int i = 1; fits && i <= small.rank; ++i) {
            int64_t dimension = small.shape[small.rank - i];
            fits = dimension == 1 || dimension == large.shape[large.rank - i];
        }
        need(fits, "cannot broadcast an operand to its result");
    }
    void rank(const View& view, int wanted) const {
        if (view.rank != wanted) fail("takes an operand with " + std::to_string(wanted) + " dimensions");
    }
};

void elementwise(const Checked& c, int inputs) {
    c.operands(inputs, 1);
    c.all_T();
    for (int i = 0; i < inputs; ++i) c.same_shape(c.in(i), c.out());
}
void unary(const Checked& c) { elementwise(c, 1); }
void binary_same(const Checked& c) { elementwise(c, 2); }

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

void cast(const Checked& c) {
    c.operands(1, 1);
    c.dtype(c.in(0), c.T);
    c.same_shape(c.in(0), c.out());
}

void broadcast_to(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    c.broadcast(c.in(0), c.out());
}

void pad(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank, 1);
    c.all_T();
    c.rank(y, x.rank);
    for (int d = 0; d < x.rank; ++d)
        c.need(c.attribute(d) >= 0 && c.attribute(d) <= y.shape[d] - x.shape[d],
               "pads less than nothing, or more than its result has room for");
}

void slice(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank);
    c.all_T();
    c.rank(y, x.rank);
    for (int d = 0; d < x.rank; ++d)
        c.need(c.attribute(d) >= 0 && c.attribute(d) <= x.shape[d] - y.shape[d],
               "takes a part that reaches beyond its operand");
}

void transpose(const Checked& c) {
    c.operands(1, 1);
    const View &x = c.in(0), &y = c.out();
    c.attributes(x.rank);
    c.all_T();
    c.rank(y, x.rank);
    unsigned seen = 0;
    for (int d = 0; d < x.rank; ++d) {
        int64_t from = c.attribute(d);
        c.need(from >= 0 && from < x.rank && !(seen >> from & 1), "takes a permutation of its dimensions");
        seen |= 1u << from;
        c.need(y.shape[d] == x.shape[from], "has a result of another shape");
    }
}

void reduce(const Checked& c) {
    c.operands(1, 1);
    c.all_T();
    const View& x = c.in(0);
    int64_t axis = -1, kept = 1;
    unsigned reduced = 0;
    for (int i = 0; i < c.call.n_ints; ++i) {
        c.need(c.attribute(i) > axis && c.attribute(i) < x.rank, "takes axes of its operand, in rising order");
        axis = c.attribute(i);
        reduced |= 1u << axis;
    }
    for (int d = 0; d < x.rank; ++d) kept *= reduced >> d & 1 ? 1 : x.shape[d];
    c.need(numel(c.out()) == kept, "has a result of another shape");
}

void arg(const Checked& c) {
    c.operands(1, 1);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), DType::i64);
    const View& x = c.in(0);
    c.need(c.attribute(0) >= 0 && c.attribute(0) < x.rank, "has an axis that its operand lacks");
    int64_t length = x.shape[c.attribute(0)], kept = 1;
    for (int d = 0; d < x.rank; ++d) kept *= d == c.attribute(0) ? 1 : x.shape[d];
    c.need(length > 0 || !kept, "has no element to choose from");
    c.need(numel(c.out()) == kept, "has a result of another shape");
}

void bias_add(const Checked& c) {
    c.operands(2, 1);
    c.all_T();
    c.same_shape(c.in(0), c.out());
    c.rank(c.in(1), 1);
    c.need(c.in(0).rank >= 1 && c.in(0).shape[c.in(0).rank - 1] == c.in(1).shape[0],
           "takes one bias for each element of the last dimension");
}

void softmax(const Checked& c) {
    unary(c);
    c.need(c.in(0).rank >= 1, "takes at least one dimension");
}

void sparse_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    const View &logits = c.in(0), &labels = c.in(1), &loss = c.out(0), &backprop = c.out(1);
    for (const View* view : {&logits, &loss, &backprop}) c.dtype(*view, c.T);
    c.need(labels.dtype == DType::i32 || labels.dtype == DType::i64, "takes labels that are i32 or i64");
    c.rank(logits, 2);
    c.rank(labels, 1);
    c.same_shape(logits, backprop);
    c.same_shape(labels, loss);
    c.need(logits.shape[0] == labels.shape[0], "takes one label for each row");
}

void dense_cross_entropy(const Checked& c) {
    c.operands(2, 2);
    c.all_T();
    const View &logits = c.in(0), &loss = c.out(0);
    c.rank(logits, 2);
    c.rank(loss, 1);
    c.same_shape(logits, c.in(1));
    c.same_shape(logits, c.out(1));
    c.need(logits.shape[0] == loss.shape[0], "gives one loss for each row");
}

// Images NHWC: x of the convolution or pooling, y its result; `first` is where the attributes strides and padding
// start.
void window(const Checked& c, const View& x, const View& y, int first) {
    c.rank(x, 4);
    c.rank(y, 4);
    c.need(x.shape[0] == y.shape[0], "takes as many images as it gives");
    for (int d = 0; d < 2; ++d) {
        int64_t stride = c.attribute(first + d), pad = c.attribute(first + 2 + d);
        c.need(stride >= 1 && stride <= kMaxStride, "takes strides from 1 to 65536");
        c.need(pad >= 0 && pad <= kMaxPad, "takes padding that is not negative");
        checked_mul(y.shape[1 + d], stride, "a stride");
    }
}

void pool(const Checked& c, const View& x, const View& y, const View& index) {
    window(c, x, y, 2);
    c.same_shape(y, index);
    c.need(x.shape[3] == y.shape[3], "keeps the number of channels");
    for (int i : {0, 1}) c.need(c.attribute(i) >= 1 && c.attribute(i) <= kMaxStride, "takes windows from 1 to 65536");
    c.dtype(index, c.attribute(0) * c.attribute(1) <= 256 ? DType::u8 : DType::i32);
    c.need(c.attribute(0) * c.attribute(1) <= INT32_MAX, "takes windows of at most 2^31 elements");
}
void max_pool(const Checked& c) {
    c.operands(1, 2);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(0), c.T);
    pool(c, c.in(0), c.out(0), c.out(1));
}
void max_pool_grad(const Checked& c) {
    c.operands(2, 1);
    c.attributes(6);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    pool(c, c.out(), c.in(0), c.in(1));
}

void convolution(const Checked& c, const View& x, const View& w, const View& y) {
    c.attributes(4);
    c.all_T();
    window(c, x, y, 0);
    c.rank(w, 4);
    c.need(w.shape[2] == x.shape[3] && w.shape[3] == y.shape[3],
           "takes filters [height, width, channels in, channels out]");
}
void conv2d(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.in(0), c.in(1), c.out());
}
void conv2d_backprop_input(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.out(), c.in(0), c.in(1));
}
void conv2d_backprop_filter(const Checked& c) {
    c.operands(2, 1);
    convolution(c, c.in(0), c.out(), c.in(1));
}

void matmul(const Checked& c) {
    c.operands(2, 1);
    c.attributes(2);
    c.all_T();
    const View &a = c.in(0), &b = c.in(1), &y = c.out();
    for (const View* view : {&a, &b, &y}) c.rank(*view, 2);
    int ta = c.attribute(0) != 0, tb = c.attribute(1) != 0;
    c.need(a.shape[1 - ta] == b.shape[tb] && y.shape[0] == a.shape[ta] && y.shape[1] == b.shape[1 - tb],
           "takes [m, k] and [k, n] to [m, n]");
}

void counter(const Checked& c, const View& view) {
    c.dtype(view, DType::i64);
    c.scalar(view);
}
void random(const Checked& c) {
    c.operands(1, 1);
    c.attributes(1, 2);
    counter(c, c.in(0));
    c.dtype(c.out(), c.T);
}
void dropout(const Checked& c) {
    c.operands(2, 1);
    c.attributes(1, 1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(), c.T);
    counter(c, c.in(1));
    c.same_shape(c.in(0), c.out());
}

// Updates: every output and the input `gradient` have one shape, the other inputs are single numbers.
void update(const Checked& c, int inputs, int outputs, int gradient, int ints = 0) {
    c.operands(inputs, outputs);
    c.attributes(ints);
    c.all_T();
    for (int i = 0; i < inputs; ++i) i == gradient ? c.same_shape(c.in(i), c.out()) : c.scalar(c.in(i));
    for (int i = 1; i < outputs; ++i) c.same_shape(c.out(i), c.out());
}
void assign(const Checked& c) { update(c, 1, 1, 0); }
void gradient_descent(const Checked& c) { update(c, 2, 1, 1); }
void momentum(const Checked& c) { update(c, 3, 2, 1, 1); }
void adam(const Checked& c) { update(c, 7, 3, 6); }

void histogram(const Checked& c) {
    c.operands(1, 2);
    c.attributes(1);
    c.dtype(c.in(0), c.T);
    c.dtype(c.out(0), DType::i64);
    c.dtype(c.out(1), DType::f64);
    c.rank(c.out(0), 1);
    c.rank(c.out(1), 1);
    c.need(c.attribute(0) >= 1 && c.out(0).shape[0] == c.attribute(0) && c.out(1).shape[0] == 7,
           "gives one count a bucket, and seven figures");
}

struct Family {
    void (*check)(const Checked&);
    const char* operations;
};

const Family kFamilies[] = {
    {arithmetic, "add sub mul div pow maximum minimum"},
    {comparison, "equal not_equal less less_equal greater greater_equal"},
    {unary, "neg abs square sign sqrt exp log tanh sigmoid relu reciprocal copy"},
    {binary_same, "relu_grad"},
    {cast, "cast"},
    {broadcast_to, "broadcast_to"},
    {pad, "pad"},
    {slice, "slice"},
    {transpose, "transpose"},
    {reduce, "reduce_sum reduce_max reduce_min reduce_mean reduce_all reduce_any"},
    {arg, "argmax argmin"},
    {bias_add, "bias_add"},
    {softmax, "softmax log_softmax"},
    {sparse_cross_entropy, "sparse_softmax_cross_entropy"},
    {dense_cross_entropy, "softmax_cross_entropy"},
    {max_pool, "max_pool"},
    {max_pool_grad, "max_pool_grad"},
    {conv2d, "conv2d"},
    {conv2d_backprop_input, "conv2d_backprop_input"},
    {conv2d_backprop_filter, "conv2d_backprop_filter"},
    {matmul, "matmul"},
    {random, "random_uniform random_normal random_truncated_normal"},
    {dropout, "dropout"},
    {assign, "assign_add assign_sub"},
    {gradient_descent, "apply_gradient_descent"},
    {momentum, "apply_momentum"},
    {adam, "apply_adam"},
    {histogram, "histogram"},
};

const std::unordered_map<std::string, void (*)(const Checked&)>& signatures() {
    static const auto built = [] {
        std::unordered_map<std::string, void (*)(const Checked&)> table;
        for (const Family& family : kFamilies) {
            std::istringstream words(family.operations);
            for (std::string word; words >> word;) table[word] = family.check;
        }
        return table;
    }();
    return built;
}

}  // namespace

void check_signature(const std::string& name, const Call& call) {
    size_t dot = name.rfind('.');
    auto found = signatures().find(name.substr(0, dot));
    if (found == signatures().end())
        throw std::invalid_argument("the kernel '" + name + "' has no signature in exec/signature.cpp");
    found->second(Checked{name, call, dtype_named(name.substr(dot + 1))});
}

}  // namespace labkit
