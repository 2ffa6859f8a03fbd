// Every kernel body, and the table that a target exports. Included once by each file in targets/, and by nothing else.
#include "kernels/arg.inl"
#include "kernels/cast.inl"
#include "kernels/compare.inl"
#include "kernels/conv2d.inl"
#include "kernels/elementwise.inl"
#include "kernels/histogram.inl"
#include "kernels/matmul.inl"
#include "kernels/optimizer.inl"
#include "kernels/pool.inl"
#include "kernels/random.inl"
#include "kernels/reduce.inl"
#include "kernels/shape.inl"
#include "kernels/softmax.inl"

namespace labkit {
namespace {

// A family's file ends with the list of its entries: a macro over X(name, plan, run, in_place).
#define LABKIT_ENTRY(name, plan, run, in_place) {name, plan, run, in_place},
const KernelEntry kEntries[] = {
    LABKIT_ELEMENTWISE_KERNELS(LABKIT_ENTRY)
    LABKIT_COMPARE_KERNELS(LABKIT_ENTRY)
    LABKIT_CAST_KERNELS(LABKIT_ENTRY)
    LABKIT_SHAPE_KERNELS(LABKIT_ENTRY)
    LABKIT_REDUCE_KERNELS(LABKIT_ENTRY)
    LABKIT_ARG_KERNELS(LABKIT_ENTRY)
    LABKIT_SOFTMAX_KERNELS(LABKIT_ENTRY)
    LABKIT_POOL_KERNELS(LABKIT_ENTRY)
    LABKIT_RANDOM_KERNELS(LABKIT_ENTRY)
    LABKIT_OPTIMIZER_KERNELS(LABKIT_ENTRY)
    LABKIT_HISTOGRAM_KERNELS(LABKIT_ENTRY)
    LABKIT_MATMUL_KERNELS(LABKIT_ENTRY)
    LABKIT_CONV2D_KERNELS(LABKIT_ENTRY)
};
#undef LABKIT_ENTRY

}  // namespace
}  // namespace labkit
