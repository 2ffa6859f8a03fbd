// The format, one record a line; `#` starts a comment:
//
//   labkit-plan 1
//   cell f32 [784, 10]
//   slot feed 0 f32 [100, 784]              kind, then the position, cell or aliased slot where the kind has one
//   slot constant f32 [2] 0000803f00000040  bytes in hex, in memory order
//   do matmul.f32 "dense/MatMul" in 0 1 -1 out 2 ints 0 0 reals 0x1p-1 writes
//   read_first 0
//   plan                                    the plans that the next `do` runs come before it, each up to its `end`
//   end
#pragma once
#include "exec/plan.h"

namespace labkit {

constexpr const char* kHeader = "labkit-plan 1";
constexpr const char* kHex = "0123456789abcdef";

inline bool has_index(SlotKind kind) { return kind != SlotKind::arena && kind != SlotKind::constant; }

}  // namespace labkit
