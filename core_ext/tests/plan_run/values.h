// What variables and feeds are filled with, and what is printed of results.
#pragma once
#include <cstdint>
#include <random>

#include "labkit/view.h"

// Reals from -1 to 1; integers small, so that they may be labels; counters and shapes are integers too.
void fill(const labkit::View& view, std::mt19937_64& random);

// The CRC-32C, with all NaNs made alike first.
uint32_t checksum(const labkit::View& view);
