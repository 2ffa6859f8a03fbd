// Where temporaries lie: blocks of memory with lifetimes share one arena, and two that live at the same time never
// overlap.
#pragma once
#include <cstdint>
#include <vector>

namespace labkit {

struct Block {
    int64_t bytes = 0;
    int32_t first = 0, last = 0;  // the first and the last instruction that touches it
    int64_t offset = 0;           // set by place(); a multiple of kAlignment
};

// Sets the offsets and returns the bytes that all blocks need together. Largest first, each into the smallest gap that
// fits among those that live at the same time ("greedy by size", Pisarchyk and Lee 2020, Efficient Memory Management
// for Deep Neural Net Inference, section 5.2).
int64_t place(std::vector<Block>& blocks);

}  // namespace labkit
