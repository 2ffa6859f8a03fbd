// Control flow: instructions that run plans of their own, without leaving the executor.
//
//   branch  plans [then, else]; inputs [condition, *given]; both plans take `given` and give the outputs
//   loop    plans [condition, body]; ints [variables, at most so many iterations, *in place]; inputs [*variables, *given];
//           outputs [*variables, iterations]. Both plans take [iteration, *variables, *given]; the body gives the
//           variables' next values.
//   scan    plans [body]; ints [iterations, variables, sliced, backwards, *in place]; inputs [*variables, *sliced, *given];
//           outputs [*variables, *stacked]. The body takes [iteration, *variables, *one slice of each, *given] and gives
//           the variables' next values and one slice of each stacked output.
//
// Variables that are named as in place have one memory for all iterations: the body reads there what they are and writes there
// what they become. No instruction of it may do both.
//
// A condition is b8 and an iteration i64, both single numbers. Slices lie along the first dimension, so each is used
// where it lies.
#pragma once
#include <string>

#include "exec/executor.h"
#include "exec/plan.h"
#include "exec/trace.h"

namespace labkit {

// An entry that only has the name, or nullptr for a kernel's name; says in `control` which one it is.
const KernelEntry* control_named(const std::string& name, Control& control);

// The scratch memory that the instruction needs: variables on their way, and the arenas of its plans. `call` has no data.
// Throws std::invalid_argument where the operands do not fit the plans.
int64_t check_control(const Instruction& instruction, const Call& call, const std::string& where);

// What a step is given while it runs.
struct Step {
    int threads;
    char* local;        // memory of the threads' own, see Work::local_bytes
    Interrupt& interrupt;
    int32_t clock;      // weight of what ran since the clock was read
    bool wrote;         // something has been written in this step: it goes on to its end
    Outcome& outcome;
    Trace* trace;       // null: nothing is measured
};

// Runs all instructions of a plan once.
Outcome::Kind run_instructions(const Plan& plan, const RunContext& context, Step& step);

Outcome::Kind run_control(const Instruction& instruction, const Call& call, Step& step);

}  // namespace labkit
