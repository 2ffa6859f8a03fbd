// Arithmetic with denormal numbers is up to 140 times slower, so every thread that executes a plan flushes them to
// zero.
#pragma once
#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace labkit {

// Flushes denormals in the current thread for the time of its life, then restores what the thread had.
class FlushDenormals {
   public:
#if defined(__x86_64__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
    ~FlushDenormals() { _mm_setcsr(saved_); }

   private:
    static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
    unsigned saved_;
#elif defined(__aarch64__)
    FlushDenormals() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        __asm__ volatile("msr fpcr, %0" : : "r"(saved_ | kFlushToZero));
    }
    ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_)); }

   private:
    static constexpr uint64_t kFlushToZero = uint64_t(1) << 24;
    uint64_t saved_;
#else
    FlushDenormals() {}
#endif

   public:
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace labkit
