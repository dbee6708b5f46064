// What is measured of every connected piece of a mask, in one pass over its runs.
#pragma once
#include <cstdint>
#include <vector>

namespace docbin::assessment {

// A row of the table; docbin.kernels.pieces names the columns. Box ends are exclusive.
struct Piece {
    std::int64_t area, left, top, right, bottom, depth, deepest, slope, steepest;
};
constexpr int columns = 9;

// Pieces of `bits` (0 or 1 a pixel), 8-connected or else 4-connected, in raster order of their first pixels. `depth` and `slope` are planes of the page's
// size, of which sums and largest values are taken; both may be null, then those columns are 0.
std::vector<Piece> pieces(const std::uint8_t *bits, const std::uint8_t *depth, const std::uint8_t *slope, bool eight, std::int64_t height, std::int64_t width);

// Pixels and the largest values of three planes (at least 0) of each of those pieces, 8-connected, in the same order.
struct Peaks {
    double area, first, second, third;
};
constexpr int peak_columns = 4;
std::vector<Peaks> peaks(const std::uint8_t *bits, const float *first, const float *second, const float *third, std::int64_t height, std::int64_t width);

// A number for every cell of `side` x `side` pixels, rows of `wide` cells.
struct Cells {
    const std::int16_t *numbers;
    std::int64_t side, wide;
};
// Clears the 8-connected pieces of `bits` whose pixels' cells have a mean below `least`.
void keep_by_cells(std::uint8_t *bits, const Cells &cells, std::int64_t least, std::int64_t height, std::int64_t width);

}  // namespace docbin::assessment
