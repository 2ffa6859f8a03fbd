// Rows of an array, picked by index: how a run of many steps makes its batches.
#pragma once
#include <cstdint>

#include "labkit/kernel.h"

namespace labkit {

// Copies rows indices[0..batch) of an array of `rows` rows of `row_bytes` to `out`. An index outside 0..rows-1 gives
// index_out_of_range with the first such index; `out` is then undefined.
Status gather(const void* from, int64_t rows, int64_t row_bytes, const int64_t* indices, int64_t batch, char* out,
              int threads);

}  // namespace labkit
