// Memory for tensors: aligned to a cache line, large blocks on huge pages where the system has them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labkit {

// Throws std::bad_alloc where so many bytes are more than the machine has left. Linux hands out more memory than there is
// and ends the process that writes to it; so this is asked before large blocks are made. Small ones pass unseen.
void need_memory(int64_t bytes);

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

}  // namespace labkit
