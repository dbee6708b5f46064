// What a float network sees of a page: planes of numbers over its cells of 2 x 2 pixels.
//
// A plane is a colour, the grey level, the depth or a local z-score (x - mean) / (deviation + floor), cut off at a limit, and holds four numbers a cell, one
// for each pixel. Grey is ITU-R BT.601 luma, not rounded: in thousandths of a level, 299 R + 587 G + 114 B, it is a whole number.
//
// Exactness: box sums are whole numbers (a window's sum of squares is at most 4 * window^2 * 255000^2, below 2^53 for windows up to 151 cells; sums of an
// integral image run modulo 2^64). From there on, in this order and without contraction: m = S / n and v = Q / n - m * m in double precision; in single
// precision s = sqrt(max(v, 0)) + floor and z = (x - m) / s. So every level and NumPy give the same bits.
#pragma once
#include <cstdint>
#include <vector>

#include "levels.hpp"

namespace docbin::planes {

inline constexpr int widest_window = 151;

// What a target does, row by row; n is a number of cells.
struct Kernels {
    // Luma of n cells of one page row in thousandths: the left pixel and the right one of each.
    void (*luma)(const std::uint8_t *row, int channels, std::int64_t n, std::int32_t *even, std::int32_t *odd);
    // One channel of the same, as numbers.
    void (*levels)(const std::uint8_t *row, int channels, std::int64_t n, float *even, float *odd);
    void (*sums)(const std::int32_t *const *pixels, std::int64_t n, std::uint64_t *sum, std::uint64_t *square);
    // Mean and deviation + floor, in thousandths, from rows of the integral image that start at the windows' left edge; columns [n] of each window.
    void (*moments)(const std::uint64_t *const *sum, const std::uint64_t *const *square, int window, const std::int32_t *columns, int rows, float floor,
                    std::int64_t n, float *mean, float *spread);
    void (*scores)(const std::int32_t *pixels, const float *mean, const float *spread, float limit, std::int64_t n, float *out);
    void (*greys)(const std::int32_t *pixels, std::int64_t n, float *out);  // grey level less 128
};

enum class Kind { red, green, blue, grey, depth, score };

struct Plane {
    Kind kind;
    int window = 0;  // of a score: side in cells, odd
    float floor = 0, limit = 0;  // of a score: added to the deviation, in thousandths of a level; largest size
};

// Pixels (height, width, channels 1 or 3) and depth (height, width; may be null), seen as `cells_high` x `cells_wide` cells: what is beyond the last row and
// column repeats it.
struct Page {
    const std::uint8_t *pixels, *depth;
    int channels;
    std::int64_t height, width, cells_high, cells_wide;
};

// Fills out (4 * planes, height, width), channel 4 p + 2 dy + dx, with a region of cells; windows see the page beyond it.
void fill(Level, const Page &, const std::vector<Plane> &, std::int64_t top, std::int64_t left, std::int64_t height, std::int64_t width, float *out,
          int threads);

}  // namespace docbin::planes
