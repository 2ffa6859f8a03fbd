// Philox4x32-10, the counter-based generator of J. Salmon, M. Moraes, R. Dror and D. Shaw, "Parallel Random Numbers: As Easy
// as 1, 2, 3" (2011): 128 bits of counter and 64 bits of key give 128 random bits, so any element of any tensor can be
// drawn on its own.
//
// The counter is (number of the block, draw): the low 64 bits count the blocks of one tensor, the high 64 bits the draws that
// the operation has made. Sixteen blocks make a group of 64 words, stored so that wide vectors write them without
// shuffling: word[16 * k + b] is word k of block 16 * group + b.
#pragma once
#include "simd/vec.h"

namespace labkit {
namespace {

constexpr int kGroupWords = 64;

// Products of the low 32 bits of each 64-bit lane.
LABKIT_INLINE Vec<uint64_t> multiply_low(Vec<uint64_t> a, Vec<uint64_t> b) {
#if defined(__AVX512F__)
    return (Vec<uint64_t>)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);  // plain mul_epu32 warns in GCC 12
#elif defined(__AVX2__)
    return (Vec<uint64_t>)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Vec<uint64_t>)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

// The 64 words of sixteen blocks: block(i) is the number of block i. A lane of 64 bits works on one block, with garbage in its
// upper half that no step reads.
template <class Block>
LABKIT_INLINE void philox_blocks(uint32_t* word, uint64_t key, uint64_t draw, Block block_of) {
    constexpr int n = lanes<uint64_t>;
    for (int first = 0; first < 16; first += 2 * n) {
        Vec<uint64_t> c[2][4];  // even and odd blocks
        for (int odd = 0; odd < 2; ++odd) {
            Vec<uint64_t> block;
            for (int l = 0; l < n; ++l) block[l] = block_of(first + 2 * l + odd);
            c[odd][0] = block;
            c[odd][1] = block >> 32;
            c[odd][2] = Vec<uint64_t>{} + draw;
            c[odd][3] = Vec<uint64_t>{} + (draw >> 32);
        }
        uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
        for (int round = 0; round < 10; ++round) {
            for (int odd = 0; odd < 2; ++odd) {
                Vec<uint64_t>(&x)[4] = c[odd];
                Vec<uint64_t> p = multiply_low(x[0], Vec<uint64_t>{} + 0xD2511F53u);
                Vec<uint64_t> q = multiply_low(x[2], Vec<uint64_t>{} + 0xCD9E8D57u);
                x[0] = (q >> 32) ^ x[1] ^ static_cast<uint64_t>(k0);
                x[1] = q;
                x[2] = (p >> 32) ^ x[3] ^ static_cast<uint64_t>(k1);
                x[3] = p;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        for (int k = 0; k < 4; ++k) {
            Vec<uint64_t> both = (c[0][k] & 0xffffffffu) | (c[1][k] << 32);
            __builtin_memcpy(word + 16 * k + first, &both, sizeof(both));
        }
    }
}

// Those of one group.
LABKIT_INLINE void philox_group(uint32_t* word, uint64_t key, uint64_t group, uint64_t draw) {
    philox_blocks(word, key, draw, [&](int i) { return group * 16 + static_cast<uint64_t>(i); });
}

}  // namespace
}  // namespace labkit
