#include "kernels/all.inl"

extern "C" {
extern const labkit::KernelTable labkit_kernels_avx2;
const labkit::KernelTable labkit_kernels_avx2 = {
    "avx2", "AVX2 and FMA, 256-bit vectors", labkit::kEntries, sizeof(labkit::kEntries) / sizeof(labkit::kEntries[0])};
}
