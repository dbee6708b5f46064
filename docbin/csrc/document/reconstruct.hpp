// Keeping the strokes that a seed touches: binary reconstruction by connected components of row runs.
#pragma once
#include <cstdint>

namespace docbin::document {

// Clears every 8-connected component of `ink` (0 or 1 a pixel) in which no pixel's contrast exceeds `level`.
void keep_seeded(std::uint8_t *ink, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width);

// Counts of the 256 grey values.
void histogram(const std::uint8_t *grey, std::int64_t pixels, std::int64_t *counts);

}  // namespace docbin::document
