#include "exec/arena.h"

#include <algorithm>
#include <numeric>

#include "exec/checked.h"

namespace labkit {
namespace {

constexpr int32_t kSpan = 64;  // instructions

}  // namespace

int64_t place(std::vector<Block>& blocks) {
    std::vector<size_t> order(blocks.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
    // Placed blocks by time, so that a long plan of short lives is not searched from end to end for each block.
    int32_t end_of_time = 0;
    for (const Block& block : blocks) end_of_time = std::max(end_of_time, block.last);
    std::vector<std::vector<const Block*>> placed(static_cast<size_t>(end_of_time / kSpan) + 1);
    std::vector<const Block*> others;
    int64_t total = 0;
    for (size_t index : order) {
        Block& block = blocks[index];
        size_t from = static_cast<size_t>(block.first / kSpan), to = static_cast<size_t>(block.last / kSpan);
        others.clear();
        for (size_t span = from; span <= to; ++span)
            for (const Block* other : placed[span])
                if (other->last >= block.first && other->first <= block.last) others.push_back(other);
        std::sort(others.begin(), others.end(), [](const Block* a, const Block* b) { return a->offset < b->offset; });
        int64_t bytes = aligned(block.bytes), best = -1, best_gap = INT64_MAX, end = 0;
        for (const Block* other : others) {  // one that lives in several spans comes several times, without harm
            int64_t gap = other->offset - end;
            if (gap >= bytes && gap < best_gap) best = end, best_gap = gap;
            end = std::max(end, other->offset + aligned(other->bytes));
        }
        block.offset = best >= 0 ? best : end;
        total = std::max(total, checked_add(block.offset, bytes, "the arena"));
        for (size_t span = from; span <= to; ++span) placed[span].push_back(&block);
    }
    return total;
}

}  // namespace labkit
