// Products and convolutions end with what would come next: bias and relu, the mask of relu's gradient, or max pooling, are applied
// while a result is still in the cache. The kernels round as the separate ones do.
#include <algorithm>
#include <string>

#include "exec/context.h"
#include "exec/rewrites/rewrites.h"

namespace labkit {
namespace {

// A kernel that takes an epilogue: a third input is the bias or the mask, the attribute after its own says which, and the one
// after that whether windows of 2x2 are pooled.
struct Host {
    const char* operation;
    size_t ints;  // attributes of its own
    bool bias_and_relu, mask;
    bool says_mask;  // whether the attribute tells a mask from a bias
    bool pools;
};
constexpr Host kHosts[] = {
    {"matmul", 2, true, true, true, false},
    {"conv2d", 8, true, false, false, true},
    {"conv2d_backprop_input", 8, false, true, false, false},
    {"depthwise_conv2d", 8, true, false, false, false},
    {"depthwise_conv2d_backprop_input", 8, false, true, false, false},
};
constexpr int64_t kRelu = 1, kMask = 2, kPool = 1;
constexpr size_t kOperands = 2;  // of a host without an epilogue

bool is_real(const Instruction& made) {
    const std::string name = made.kernel->name;
    return name.compare(name.rfind('.'), 2, ".f") == 0;
}

class Epilogues : Slots {
   public:
    Epilogues(std::vector<Instruction>& all, const std::vector<SlotSpec>& slots, const std::vector<Storage>& storage)
        : Slots(slots, storage), all_(all), reads_(slot_count(), 0), maker_(slot_count(), kNone) {}

    void find() {
        for (const Instruction& made : all_)
            for (int32_t id : made.inputs)
                if (id >= 0) ++reads_[root(id)];
        for (size_t i = 0; i < all_.size(); ++i) {
            if (all_[i].control == Control::none) absorb(i);
            for (int32_t id : all_[i].outputs) maker_[root(id)] = i;
        }
        all_.erase(std::remove_if(all_.begin(), all_.end(), [](const Instruction& made) { return !made.kernel; }), all_.end());
    }

   private:
    static constexpr size_t kNone = SIZE_MAX;

    // Makes instruction j the epilogue of the host that made one of its operands, where it can be that.
    void absorb(size_t j) {
        const Instruction& next = all_[j];
        const bool pool = calls(next, "max_pool");
        if (next.inputs.empty() || next.outputs.size() != (pool ? 2 : 1) || next.empty || next.writes) return;
        const bool bias = calls(next, "bias_add") || calls(next, "add"), relu = calls(next, "relu"), mask = calls(next, "relu_grad");
        if (!is_real(next) || (!bias && !relu && !mask && !pool)) return;
        const bool swapped = calls(next, "add") && type(next.inputs[0]).rank < type(next.inputs[1]).rank;
        const int32_t value = next.inputs[swapped];
        const size_t i = maker_[root(value)];
        if (i == kNone || !all_[i].kernel || reads_[root(value)] != 1 || !can_take(all_[i], i, j, value)) return;
        Instruction& host = all_[i];
        const Host* kind = host_of(host);
        const bool has_bias = host.inputs.size() > kOperands, has_epilogue = host.ints.size() != kind->ints;
        if (pool ? !kind->pools || host.ints.size() > kind->ints + 1 || !halves(next) : has_epilogue || (bias && has_bias) || (mask ? has_bias || !kind->mask : !kind->bias_and_relu))
            return;
        if (bias && !is_bias(type(next.inputs[!swapped]), type(value))) return;
        Instruction made = host;
        made.parts = host.parts.empty() ? std::vector<Instruction>{host} : host.parts;
        made.parts.push_back(next);
        if (!relu && !pool) made.inputs.push_back(next.inputs[!swapped]);
        if (relu || (mask && kind->says_mask)) made.ints.push_back(relu ? kRelu : kMask);
        if (pool) made.ints.resize(kind->ints + 1), made.ints.push_back(kPool);
        made.outputs = next.outputs;
        if (pool && !has_way(made)) return;
        host.kernel = nullptr;
        all_[j] = std::move(made);
    }

    static const Host* host_of(const Instruction& made) {
        for (const Host& host : kHosts)
            if (calls(made, host.operation)) return &host;
        return nullptr;
    }

    static bool is_bias(const View& bias, const View& value) {
        return bias.rank == 1 && value.rank > 1 && bias.shape[0] == value.shape[value.rank - 1];
    }

    // Whether windows of 2x2 pixels, side by side, cover the image.
    bool halves(const Instruction& pooling) const {
        const View &x = type(pooling.inputs[0]), &y = type(pooling.outputs[0]);
        return pooling.ints == std::vector<int64_t>{2, 2, 2, 2, 0, 0} && x.shape[1] == 2 * y.shape[1] && x.shape[2] == 2 * y.shape[2];
    }

    bool has_way(const Instruction& made) const {
        std::vector<View> views;
        Work work;
        made.kernel->plan(call_without_data(made, slots(), views), work);
        return work.phases >= 0;
    }

    // Whether `host`, instruction i, may run in place of j and give it its result alone.
    bool can_take(const Instruction& host, size_t i, size_t j, int32_t value) const {
        if (!host_of(host) || host.outputs.size() != 1) return false;
        const int32_t out = host.outputs[0];
        if (slot(out).kind != SlotKind::arena || !same_type(type(value), type(out)) ||
            !(calls(all_[j], "max_pool") || same_type(type(out), type(all_[j].outputs[0]))))
            return false;
        for (size_t k = i + 1; k <= j; ++k) {  // what it reads must be the same there, and not what j writes
            const Instruction& between = all_[k];
            if (!between.kernel) continue;
            if (between.control != Control::none && between.writes) return false;
            for (int32_t id : between.outputs)
                for (int32_t in : host.inputs) {
                    const bool fed_and_fetched = k < j && storage(id).kind == SlotKind::fetch &&
                                                 storage(in).kind == SlotKind::feed;
                    if (root(id) == root(in) || fed_and_fetched) return false;  // a loop may update a feed in place
                }
        }
        return true;
    }

    std::vector<Instruction>& all_;
    std::vector<int64_t> reads_;  // by root
    std::vector<size_t> maker_;   // by root: the last instruction that wrote it
};

}  // namespace

void absorb_epilogues(std::vector<Instruction>& instructions, const std::vector<SlotSpec>& slots,
                      const std::vector<Storage>& storage) {
    Epilogues(instructions, slots, storage).find();
}

}  // namespace labkit
