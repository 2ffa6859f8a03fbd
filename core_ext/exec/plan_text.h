// Plans as text: for people, and so that plan_run can execute a plan without Python.
#pragma once
#include <string>
#include <vector>

#include "exec/memory.h"
#include "exec/plan.h"

namespace labkit {

// The whole plan. Without `values`, constants are left out and the layout is told in comments.
std::string describe(const Plan& plan, bool values);

// What a text says; `cells` are the dtypes and shapes of the variables, `constants` the memory that slots point to.
// `inner` are the plans that control instructions run: those of instruction i follow those of instruction i - 1.
struct PlanText {
    PlanSpec spec;
    std::vector<View> cells;
    std::vector<Buffer> constants;
    std::vector<PlanText> inner;
    std::vector<size_t> inner_of;  // for each instruction, how many of them it runs
};

// Throws std::invalid_argument that names the line. Memory is bounded by a small multiple of the text's length.
PlanText parse_plan(const std::string& text);

}  // namespace labkit
