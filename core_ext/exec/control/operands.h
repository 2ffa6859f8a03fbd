// How the operands of a control instruction are meant: what its check and its run have in common.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "exec/plan.h"

namespace labkit {

// One slice along the first dimension.
View slice_of(View view);

// Bytes of scratch memory for one run of a plan.
int64_t arena_of(const Plan& plan);

constexpr size_t ints_of(Control control) {  // before those that name variables
    return control == Control::branch ? 0 : control == Control::loop ? 2 : 4;
}

// For each variable whether it is in place. Throws std::invalid_argument where the instruction names one that it does not have.
std::vector<char> in_place_of(const Instruction& made, size_t variables);

}  // namespace labkit
