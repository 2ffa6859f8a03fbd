#include "exec/arena.h"

#include <algorithm>
#include <numeric>

#include "exec/checked.h"

namespace labkit {

int64_t place(std::vector<Block>& blocks) {
    std::vector<size_t> order(blocks.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
    std::vector<const Block*> placed;  // by offset
    placed.reserve(blocks.size());
    int64_t total = 0;
    for (size_t index : order) {
        Block& block = blocks[index];
        int64_t bytes = aligned(block.bytes), best = -1, best_gap = INT64_MAX, end = 0;
        for (const Block* other : placed) {
            if (other->last < block.first || block.last < other->first) continue;
            int64_t gap = other->offset - end;
            if (gap >= bytes && gap < best_gap) best = end, best_gap = gap;
            end = std::max(end, other->offset + aligned(other->bytes));
        }
        block.offset = best >= 0 ? best : end;
        total = std::max(total, checked_add(block.offset, bytes, "the arena"));
        auto after = [](const Block* a, const Block* b) { return a->offset < b->offset; };
        placed.insert(std::upper_bound(placed.begin(), placed.end(), &block, after), &block);
    }
    return total;
}

}  // namespace labkit
