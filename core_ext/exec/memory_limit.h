// How much memory there is for tensors. Linux hands out more memory than there is and ends the process that writes to it;
// so this is asked before blocks are made.
#pragma once
#include <cstdint>
#include <new>
#include <string>

namespace labkit {

// More was asked for than is left.
class OutOfMemory : public std::bad_alloc {
   public:
    OutOfMemory(int64_t bytes, int64_t left, const char* whose);
    const char* what() const noexcept override { return text_.c_str(); }

   private:
    std::string text_;
};

// LABKIT_MEMORY_LIMIT: the bytes that variables, constants, temporaries and the results of a run may take together;
// negative where it is not set. Throws std::invalid_argument where it is no number of bytes, perhaps with K, M or G.
int64_t memory_limit();

// Throws OutOfMemory where so many bytes are more than LABKIT_MEMORY_LIMIT leaves, or than the machine and the control
// groups of this process have left. Small blocks pass the latter two unseen.
void need_memory(int64_t bytes);

}  // namespace labkit
