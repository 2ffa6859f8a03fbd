// What kernels take: the number, dtypes and shapes of their operands, and their attributes.
//
// Operations check their arguments when a graph is built, and explain them to people. This is the last gate: kernels
// trust their operands, so a call that came here past those checks, by a bug or from a file, must not reach them.
#pragma once
#include <string>

#include "labkit/kernel.h"

namespace labkit {

// Throws std::invalid_argument where `call` is not one that the kernel `name` ("matmul.f32") can execute. Data pointers
// are not looked at; an absent input has rank -1.
void check_signature(const std::string& name, const Call& call);

// Whether the kernel makes each element of its one result of one element of every input (which may be broadcast to it), cannot
// fail, and takes stretches of them: one phase, no scratch memory.
bool is_elementwise(const std::string& name);

// Whether the kernel is called even if its outputs are all empty, as it may refuse a value of its inputs.
bool is_always_called(const std::string& name);

}  // namespace labkit
