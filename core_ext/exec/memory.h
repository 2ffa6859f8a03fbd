// Memory for tensors: aligned to a cache line, large blocks on huge pages where the system has them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labkit {

// A block of zeroed memory, 64-byte aligned, freed at the end of its life. Movable only.
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(int64_t bytes);  // throws std::bad_alloc
    ~Buffer();
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;

    char* data() const { return data_; }
    int64_t size() const { return size_; }

   private:
    char* data_ = nullptr;
    int64_t size_ = 0;
    void* mapping_ = nullptr;  // where the block was mapped; null where it came from the heap
    size_t mapped_ = 0;
};

// The bytes of all buffers that live.
int64_t held_bytes();

}  // namespace labkit
