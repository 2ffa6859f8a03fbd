// Arithmetic with denormal numbers is up to 140 times slower, so every thread that executes a plan flushes them to
// zero. It also rounds to nearest and lets no floating-point exception trap, whatever its caller has set: else the
// caller's part of the work would have other bits than the pool's, or end the process.
#pragma once
#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace labkit {

// Sets this mode in the current thread for the time of its life, then restores what the thread had.
class FlushDenormals {
   public:
#if defined(__x86_64__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(kMasked | kFlushToZero | kDenormalsAreZero); }
    ~FlushDenormals() { _mm_setcsr(saved_); }

   private:
    static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040, kMasked = 0x1F80;
    unsigned saved_;
#elif defined(__aarch64__)
    FlushDenormals() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        __asm__ volatile("msr fpcr, %0" : : "r"(kFlushToZero));
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
