// Every kernel body, and the table that a target exports. Included once by each file in targets/, and by nothing else.
#include "kernels/conv2d.inl"
#include "kernels/elementwise.inl"
#include "kernels/matmul.inl"

namespace labkit {
namespace {

// A family's file ends with the list of its entries: a macro over X(name, plan, run, in_place).
#define LABKIT_ENTRY(name, plan, run, in_place) {name, plan, run, in_place},
const KernelEntry kEntries[] = {
    LABKIT_ELEMENTWISE_KERNELS(LABKIT_ENTRY)
    LABKIT_MATMUL_KERNELS(LABKIT_ENTRY)
    LABKIT_CONV2D_KERNELS(LABKIT_ENTRY)
};
#undef LABKIT_ENTRY

}  // namespace
}  // namespace labkit
