// CRC-32C (Castagnoli polynomial 0x1EDC6F41, as in RFC 3720, appendix B.4).
#pragma once
#include <cstddef>
#include <cstdint>

namespace labkit {

// The checksum of `bytes` bytes, going on from the checksum `value` of what came before.
uint32_t crc32c(const void* data, size_t bytes, uint32_t value = 0);

}  // namespace labkit
