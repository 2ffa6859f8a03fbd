#include "exec/fused.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "kernels/walk.h"

namespace labkit {
namespace {

// Long enough that calling a kernel costs little beside its work, short enough for a handful of operands in 32 KB.
constexpr int64_t kStretch = 1024;  // elements

template <class E>
void repeat(void* to_, const void* row, int64_t period, int64_t count) {
    E* to = static_cast<E*>(to_);
    for (int64_t i = 0; i < count; i += period)
        std::memcpy(to + i, row, static_cast<size_t>(min_of(period, count - i)) * sizeof(E));
}

template <class E>
void spread(void* to_, const void* from_, const WalkOf<1>& walk, int64_t begin, int64_t count) {
    E* to = static_cast<E*>(to_);
    const E* from = static_cast<const E*>(from_);
    CursorOf<1> cursor(walk, begin);
    for (int64_t i = 0; i < count;) {
        int64_t run = min_of(cursor.rest_of_run(), count - i);
        if (walk.stride[0][0]) {
            std::memcpy(to + i, from + cursor.offset[0], static_cast<size_t>(run) * sizeof(E));
        } else {
            const E value = from[cursor.offset[0]];
            for (int64_t j = 0; j < run; ++j) to[i + j] = value;
        }
        cursor.advance(run);
        i += run;
    }
}

// How a result's elements map to those of an input that is broadcast to it.
WalkOf<1> walk_of(const View& input, const View& result) {
    WalkOf<1> walk;
    for (int d = result.rank - 1; d >= 0; --d) walk.add(result.shape[d], broadcast_stride(input, result.rank, d));
    return walk;
}

#define LABKIT_BY_SIZE(bytes, function, ...)                    \
    (bytes == 8   ? function<uint64_t>(__VA_ARGS__)             \
     : bytes == 4 ? function<uint32_t>(__VA_ARGS__)             \
                  : function<uint8_t>(__VA_ARGS__))

void plan_fused(const Call& call, Work& work) { plan_elements(call, work); }

Status run_fused(const Call& call, int, int64_t task) {
    const Fused& fused = *call.fused;
    const int inputs = call.n_in, outputs = call.n_out;
    const Range range = range_of(task, numel(call.out[0]));
    const int64_t longest = min_of(kStretch, range.end - range.begin);

    // Where each operand's present stretch is, and by how much that place moves from one to the next.
    constexpr int kMostOperands = Fused::kMostInputs + Fused::kMostOutputs + Fused::kMostTemporaries;
    DType dtype[kMostOperands];
    char* place[kMostOperands];
    int64_t bytes[kMostOperands];
    alignas(64) char temporaries[Fused::kMostTemporaries][kStretch * 8];
    alignas(64) char laid_out[Fused::kMostLaidOut][2 * kStretch * 8];
    char* copy[Fused::kMostInputs] = {};  // of an input that is laid out
    WalkOf<1> walks[Fused::kMostLaidOut];
    int copies = 0;
    for (int k = 0; k < inputs; ++k) {
        const Fused::Input& input = fused.inputs[static_cast<size_t>(k)];
        char* from = data<char>(call.in[k]);
        dtype[k] = call.in[k].dtype;
        bytes[k] = size_of(dtype[k]);
        place[k] = input.way == Fused::Way::dense ? from + range.begin * bytes[k] : from;
        if (!Fused::is_laid_out(input)) continue;
        walks[copies] = walk_of(call.in[k], call.out[0]);
        place[k] = copy[k] = laid_out[copies++];
        if (input.way == Fused::Way::periodic) {
            LABKIT_BY_SIZE(bytes[k], repeat, copy[k], from, input.period, longest + input.period);
            place[k] += range.begin % input.period * bytes[k];
        }
    }
    for (int k = 0; k < outputs; ++k) {
        dtype[inputs + k] = call.out[k].dtype;
        bytes[inputs + k] = size_of(dtype[inputs + k]);
        place[inputs + k] = data<char>(call.out[k]) + range.begin * bytes[inputs + k];
    }
    for (size_t k = 0; k < fused.temporaries.size(); ++k) {
        dtype[static_cast<size_t>(inputs + outputs) + k] = fused.temporaries[k];
        place[static_cast<size_t>(inputs + outputs) + k] = temporaries[k];
    }

    // The calls of one stretch: every operand is a vector.
    View views[Fused::kMostViews];
    int16_t operand_of[Fused::kMostViews];
    Call calls[Fused::kMostSteps];
    int used = 0;
    auto is_single = [&](int operand) {
        return operand < inputs && fused.inputs[static_cast<size_t>(operand)].way == Fused::Way::single;
    };
    auto add = [&](int16_t operand) {
        views[used].rank = 1;
        views[used].dtype = dtype[operand];
        operand_of[used++] = operand;
    };
    const int steps = static_cast<int>(fused.steps.size());
    for (int s = 0; s < steps; ++s) {
        const Fused::Step& step = fused.steps[static_cast<size_t>(s)];
        Call& made = calls[s] = {};
        made.in = views + used;
        made.n_in = static_cast<int32_t>(step.inputs.size());
        for (int16_t operand : step.inputs) add(operand);
        made.out = views + used;
        made.n_out = 1;
        add(step.output);
        made.ints = step.ints.data();
        made.reals = step.reals.data();
        made.n_ints = static_cast<int32_t>(step.ints.size());
        made.n_reals = static_cast<int32_t>(step.reals.size());
    }

    for (int64_t at = range.begin; at < range.end; at += kStretch) {
        const int64_t length = min_of(kStretch, range.end - at);
        for (int k = 0, laid = 0; k < inputs; ++k) {
            const Fused::Input& input = fused.inputs[static_cast<size_t>(k)];
            if (input.way == Fused::Way::walked) LABKIT_BY_SIZE(bytes[k], spread, copy[k], call.in[k].data, walks[laid], at, length);
            laid += Fused::is_laid_out(input);
        }
        for (int v = 0; v < used; ++v) {
            views[v].data = place[operand_of[v]];
            views[v].shape[0] = is_single(operand_of[v]) ? 1 : length;
        }
        for (int s = 0; s < steps; ++s) fused.steps[static_cast<size_t>(s)].kernel->run(calls[s], 0, 0);
        for (int k = 0; k < inputs; ++k) {
            const Fused::Input& input = fused.inputs[static_cast<size_t>(k)];
            if (input.way == Fused::Way::dense) place[k] += length * bytes[k];
            if (input.way == Fused::Way::periodic)
                place[k] = copy[k] + (at + length) % input.period * bytes[k];
        }
        for (int k = inputs; k < inputs + outputs; ++k) place[k] += length * bytes[k];
    }
    return {};
}

}  // namespace

const KernelEntry& fused_kernel(bool in_place) {
    static const KernelEntry entries[] = {{"fused", plan_fused, run_fused, false}, {"fused", plan_fused, run_fused, true}};
    return entries[in_place];
}

void Fused::check() const {
    size_t views = 0;
    for (const Step& step : steps) views += step.inputs.size() + 1;
    if (inputs.size() > kMostInputs || outputs > kMostOutputs || temporaries.size() > kMostTemporaries ||
        steps.size() > kMostSteps || views > kMostViews ||
        static_cast<size_t>(std::count_if(inputs.begin(), inputs.end(), is_laid_out)) > kMostLaidOut)
        throw std::logic_error("a fused instruction has more operands or steps than it can hold");
}

Fused::Input fused_input(const View& input, const View& result) {
    const int64_t count = numel(input);
    if (count == numel(result)) return {Fused::Way::dense};
    if (count == 1) return {Fused::Way::single};
    const WalkOf<1> walk = walk_of(input, result);
    const bool row = walk.rank == 2 && walk.stride[0][0] == 1 && walk.stride[0][1] == 0;
    if (row && walk.size[0] <= kStretch) return {Fused::Way::periodic, walk.size[0]};
    return {Fused::Way::walked};
}

}  // namespace labkit
