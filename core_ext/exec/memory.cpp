#include "exec/memory.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "exec/checked.h"

namespace labkit {
namespace {

constexpr int64_t kHugePage = int64_t(2) << 20;
constexpr int64_t kMapFrom = 2 * kHugePage;  // smaller blocks would waste much of a huge page
constexpr int64_t kAskFrom = int64_t(1) << 29;  // what is left is not asked for each run of a small model

// The bytes that can be written before something has to give; negative where the system does not tell.
int64_t bytes_left() {
    long long kilobytes, left = -1;
    std::FILE* told = std::fopen("/proc/meminfo", "re");
    if (!told) return -1;
    for (char line[128]; std::fgets(line, sizeof line, told);) {
        if (std::sscanf(line, "MemAvailable: %lld", &kilobytes) == 1) left = kilobytes;
        if (left >= 0 && std::sscanf(line, "SwapFree: %lld", &kilobytes) == 1) left += kilobytes;
    }
    std::fclose(told);
    return left < 0 ? -1 : left * 1024;
}

}  // namespace

void need_memory(int64_t bytes) {
    if (bytes < kAskFrom) return;
    int64_t left = bytes_left();
    if (left >= 0 && bytes > left) throw std::bad_alloc();
}

Buffer::Buffer(int64_t bytes) {
    if (bytes <= 0) return;
    if (bytes > kMaxBytes) throw std::bad_alloc();
    size_ = aligned(bytes);
    if (size_ < kMapFrom) {
        data_ = static_cast<char*>(std::aligned_alloc(kAlignment, static_cast<size_t>(size_)));
        if (!data_) throw std::bad_alloc();
        std::memset(data_, 0, static_cast<size_t>(size_));
        return;
    }
    need_memory(size_);
    mapped_ = static_cast<size_t>(size_ + kHugePage);
    mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) {
        mapping_ = nullptr;
        throw std::bad_alloc();
    }
    auto address = reinterpret_cast<uintptr_t>(mapping_);
    data_ = reinterpret_cast<char*>((address + kHugePage - 1) / kHugePage * kHugePage);
#ifdef MADV_HUGEPAGE
    madvise(data_, static_cast<size_t>(size_), MADV_HUGEPAGE);  // a wish: without it the pages are small ones
#endif
}

Buffer::~Buffer() {
    if (mapping_)
        munmap(mapping_, mapped_);
    else
        std::free(data_);
}

Buffer::Buffer(Buffer&& other) noexcept { *this = std::move(other); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapping_, other.mapping_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

}  // namespace labkit
