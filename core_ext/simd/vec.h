// A small portable vector: the compiler's own vector extension at the width of the target, so that kernel bodies are
// written once. Arithmetic operators are the built-in ones. Fused multiply-add is always written out (`fma`), never
// contracted behind our back: files are built with -ffp-contract=off.
//
// Everything lives in an unnamed namespace: a body compiled for a wide target must not leave a shared symbol that the
// linker could hand to a narrow one.
#pragma once
#include "simd/vec/arithmetic.h"
#include "simd/vec/lanes.h"
#include "simd/vec/row.h"
#include "simd/vec/type.h"
