// One instruction made of several element-wise ones: it goes through its operands stretch by stretch, so that what one
// kernel hands to the next stays in the first-level cache. Each stretch is computed by the very kernels that the
// instructions would have called, and so to the same bits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "labkit/kernel.h"

namespace labkit {

struct Fused {
    static constexpr size_t kMostInputs = 12, kMostOutputs = 6, kMostTemporaries = 6, kMostSteps = 16;
    static constexpr size_t kMostLaidOut = 4;  // inputs that are neither dense nor single
    static constexpr size_t kMostViews = 48;   // operands of all steps

    // How an input meets the elements of the result.
    enum class Way {
        dense,     // one of its elements for each of the result's
        single,    // one element for all
        periodic,  // a row that is repeated, short enough to be laid out over a stretch
        walked     // any other broadcast
    };

    struct Input {
        Way way;
        int64_t period = 0;  // elements of a row
    };

    static bool is_laid_out(const Input& input) { return input.way == Way::periodic || input.way == Way::walked; }

    // Operands are numbered: the instruction's inputs, then its outputs, then temporaries.
    struct Step {
        const KernelEntry* kernel;
        std::vector<int16_t> inputs;
        int16_t output;
        std::vector<int64_t> ints;
        std::vector<double> reals;
    };

    std::vector<Input> inputs;
    size_t outputs = 0;
    std::vector<DType> temporaries;
    std::vector<Step> steps;

    // Throws std::logic_error unless everything fits the fixed numbers above, which bound memory on the stack.
    void check() const;
};

// What an instruction with a Fused calls. Output 0 is that of the last step, so that it may overwrite an input where the last
// step's kernel works in place.
const KernelEntry& fused_kernel(bool in_place);

// How an input meets the elements of a result of type `result`.
Fused::Input fused_input(const View& input, const View& result);

}  // namespace labkit
