// What a kernel sees of a tensor: a dense, row-major block of numbers with a dtype and a shape.
#pragma once
#include <cstdint>

namespace labkit {

enum class DType : uint8_t { f32, f64, i32, i64, u8, b8 };

constexpr int kMaxRank = 8;

constexpr int64_t size_of(DType dtype) {
    return dtype == DType::f64 || dtype == DType::i64 ? 8 : dtype == DType::f32 || dtype == DType::i32 ? 4 : 1;
}

struct View {
    void* data;
    int64_t shape[kMaxRank];
    int32_t rank;
    DType dtype;
};

// The number of elements. Shapes reach a View only through checked_numel (exec/checked.h), so the product fits.
inline int64_t numel(const View& view) {
    int64_t n = 1;
    for (int i = 0; i < view.rank; ++i) n *= view.shape[i];
    return n;
}

template <class T>
inline T* data(const View& view) {
    return static_cast<T*>(view.data);
}

}  // namespace labkit
