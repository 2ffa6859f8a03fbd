#include "kernels/all.inl"

extern "C" {
extern const labkit::KernelTable labkit_kernels_avx512;
const labkit::KernelTable labkit_kernels_avx512 = {
    "avx512", "AVX-512 F/BW/DQ/VL, 512-bit vectors", labkit::kEntries, sizeof(labkit::kEntries) / sizeof(labkit::kEntries[0])};
}
