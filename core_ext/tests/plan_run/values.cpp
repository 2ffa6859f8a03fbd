#include "values.h"

#include <limits>

#include "exec/checked.h"
#include "exec/crc32c.h"

using namespace labkit;

void fill(const View& view, std::mt19937_64& random) {
    int64_t count = numel(view);
    for (int64_t i = 0; i < count; ++i) {
        uint64_t bits = random();
        double real = static_cast<double>(bits >> 11) / double(uint64_t(1) << 52) - 1;
        switch (view.dtype) {
            case DType::f32:
                data<float>(view)[i] = static_cast<float>(real);
                break;
            case DType::f64:
                data<double>(view)[i] = real;
                break;
            case DType::i32:
                data<int32_t>(view)[i] = static_cast<int32_t>(bits % 4);
                break;
            case DType::i64:
                data<int64_t>(view)[i] = static_cast<int64_t>(bits % 4);
                break;
            case DType::u8:
                data<uint8_t>(view)[i] = static_cast<uint8_t>(bits);
                break;
            case DType::b8:
                data<uint8_t>(view)[i] = bits & 1;
                break;
        }
    }
}

namespace {

template <class T>
void make_nans_alike(T* x, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        if (x[i] != x[i]) x[i] = std::numeric_limits<T>::quiet_NaN();
}

}  // namespace

uint32_t checksum(const View& view) {
    if (view.dtype == DType::f32) make_nans_alike(data<float>(view), numel(view));
    if (view.dtype == DType::f64) make_nans_alike(data<double>(view), numel(view));
    return crc32c(view.data, static_cast<size_t>(checked_bytes(view)));
}
