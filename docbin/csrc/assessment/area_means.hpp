// A plane made smaller: every pixel of the result is the mean of the area that it covers, pixels that it covers in part counted in part.
#pragma once
#include <cstdint>

namespace docbin::assessment {

// `out` (out_height x out_width) of every `every`-th row and column of `plane`, each value times `times` (0 or 1 a pixel times 255 are shares of 255).
// out_height and out_width are at least 1 and at most what is left of the sides, and do not divide it both (cells of whole pixels are another sum, which
// OpenCV is quicker at). Sums are taken in float, along the row first, in the order of the
// pixels: the roundings, half to even, are those of OpenCV's INTER_AREA on x86, to the bit.
void area_means(const std::uint8_t *plane, std::int64_t height, std::int64_t width, std::int64_t every, int times, std::int64_t out_height,
                std::int64_t out_width, std::uint8_t *out);

}  // namespace docbin::assessment
