#include "kernels/all.inl"

extern "C" {
extern const labkit::KernelTable labkit_kernels_portable;
const labkit::KernelTable labkit_kernels_portable = {
    "portable", "plain C++, 128-bit vectors", labkit::kEntries, sizeof(labkit::kEntries) / sizeof(labkit::kEntries[0])};
}
