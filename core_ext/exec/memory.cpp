#include "exec/memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "exec/checked.h"
#include "exec/memory_limit.h"

namespace labkit {
namespace {

constexpr int64_t kHugePage = int64_t(2) << 20;
constexpr int64_t kMapFrom = 2 * kHugePage;  // smaller blocks would waste much of a huge page

std::atomic<int64_t> held{0};  // bytes of all buffers

}  // namespace

Buffer::Buffer(int64_t bytes) {
    if (bytes <= 0) return;
    if (bytes > kMaxBytes) throw OutOfMemory(bytes, kMaxBytes, "any machine");
    const int64_t size = aligned(bytes);
    need_memory(size);
    if (size < kMapFrom) {
        data_ = static_cast<char*>(std::aligned_alloc(kAlignment, static_cast<size_t>(size)));
        if (!data_) throw std::bad_alloc();
        std::memset(data_, 0, static_cast<size_t>(size));
    } else {
        mapped_ = static_cast<size_t>(size + kHugePage);
        mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapping_ == MAP_FAILED) {
            mapping_ = nullptr;
            throw std::bad_alloc();
        }
        auto address = reinterpret_cast<uintptr_t>(mapping_);
        data_ = reinterpret_cast<char*>((address + kHugePage - 1) / kHugePage * kHugePage);
#ifdef MADV_HUGEPAGE
        madvise(data_, static_cast<size_t>(size), MADV_HUGEPAGE);  // a wish: without it the pages are small ones
#endif
    }
    size_ = size;
    held += size;
}

Buffer::~Buffer() {
    held -= size_;
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

int64_t held_bytes() { return held.load(); }

}  // namespace labkit
