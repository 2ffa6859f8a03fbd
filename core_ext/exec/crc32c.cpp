#include "exec/crc32c.h"

#include <cstring>

namespace labkit {
namespace {

// Slicing by 8: tables[k][b] is the effect of byte b followed by k zero bytes.
struct Tables {
    uint32_t at[8][256];
    Tables() {
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t crc = byte;
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
            at[0][byte] = crc;
        }
        for (uint32_t byte = 0; byte < 256; ++byte)
            for (int k = 1; k < 8; ++k) at[k][byte] = (at[k - 1][byte] >> 8) ^ at[0][at[k - 1][byte] & 255];
    }
};

uint32_t by_tables(const unsigned char* p, size_t bytes, uint32_t crc) {
    static const Tables tables;
    const auto& t = tables.at;
    for (; bytes >= 8; p += 8, bytes -= 8) {
        uint32_t low = crc ^ (uint32_t(p[0]) | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24);
        crc = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^ t[3][p[4]] ^
              t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    }
    for (; bytes; ++p, --bytes) crc = crc >> 8 ^ t[0][(crc ^ *p) & 255];
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t by_instruction(const unsigned char* p, size_t bytes, uint32_t crc) {
    uint64_t wide = crc;
    for (; bytes >= 8; p += 8, bytes -= 8) {
        uint64_t word;
        std::memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = static_cast<uint32_t>(wide);
    for (; bytes; ++p, --bytes) crc = __builtin_ia32_crc32qi(crc, *p);
    return crc;
}
#endif

}  // namespace

uint32_t crc32c(const void* data, size_t bytes, uint32_t value) {
    const auto* p = static_cast<const unsigned char*>(data);
#ifdef __x86_64__
    static const bool has_instruction = __builtin_cpu_supports("sse4.2");
    if (has_instruction) return ~by_instruction(p, bytes, ~value);
#endif
    return ~by_tables(p, bytes, ~value);
}

}  // namespace labkit
