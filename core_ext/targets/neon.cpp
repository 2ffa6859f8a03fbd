#include "kernels/all.inl"

extern "C" {
extern const labkit::KernelTable labkit_kernels_neon;
const labkit::KernelTable labkit_kernels_neon = {
    "neon", "64-bit ARM, 128-bit vectors and fused multiply-add", labkit::kEntries, sizeof(labkit::kEntries) / sizeof(labkit::kEntries[0])};
}
