// What signatures are written with: one call under examination, and where checks are registered.
#pragma once
#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>

#include "exec/checked.h"
#include "exec/plan.h"

namespace labkit {

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
    void elementwise(int inputs) const {  // all operands have dtype T and one shape
        operands(inputs, 1);
        all_T();
        for (int i = 0; i < inputs; ++i) same_shape(in(i), out());
    }
    void rank(const View& view, int wanted) const {
        if (view.rank != wanted) fail("takes an operand with " + std::to_string(wanted) + " dimensions");
    }
};

// The check of the kernels (operations, separated by blanks) that a file in exec/signatures/ knows about; a dtype that differs
// from the others of its operation stands apart, with its full name. A file makes one static object of Signatures with all of
// its own.
struct Signature {
    void (*check)(const Checked&);
    const char* kernels;
    bool elementwise = false;  // see is_elementwise
    bool always = false;       // see is_always_called
};

struct Signatures {
    Signatures(std::initializer_list<Signature> signatures);
};

}  // namespace labkit
