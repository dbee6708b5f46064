// The 1-bit networks' first layer: threshold codes of a page's cells.
//
// A cell is 2 x 2 pixels. For each window (odd, in cells) the mean m and deviation s of the pixels of the in-page cells around give thresholds
// T = m + theta (s + floor); every pixel of the cell is compared with each, x >= T, and with a few fixed levels. That is SauvolaNet's idea of many windows
// as bits: no multiplication of features, one comparison a channel, and the pixel-unshuffled layout falls out of it. A second plane of the page's size
// may be given, whose pixels are compared with fixed levels only.
//
// Exactness: the box sums are integers (a cell's sum is at most 1020, its sum of squares 260100; sums run modulo 2^32, the window's own sum is below 2^31
// for windows up to 89 cells). From there on everything is IEEE single precision in a fixed order without contraction, so every level, NumPy and PyTorch
// give the same bits: m = S / n; v = Q / n - m * m; s = sqrt(max(v, 0)); T = m + theta * (s + floor). A pixel reaches T where it reaches the least whole
// number that does, so the comparisons themselves are of 16-bit integers.
#pragma once
#include <cstdint>
#include <vector>

#include "levels.hpp"

namespace docbin::stem {

inline constexpr int widest_window = 89;

// What a target does, row by row; n is a number of cells, arrays are readable and writable up to the next multiple of 64.
struct Kernels {
    // Pixels of n cells of one page row: the left and the right of each.
    void (*split)(const std::uint8_t *row, std::int64_t n, std::int16_t *even, std::int16_t *odd);
    void (*cells)(const std::int16_t *const *pixels, std::int64_t n, std::uint32_t *sum, std::uint32_t *square);
    // Mean and s + floor from rows of the integral image, each starting at the windows' left edge; cells [n] is the number of columns in each window.
    void (*moments)(const std::uint32_t *const *sum, const std::uint32_t *const *square, int window, const std::int32_t *cells, int rows, float floor,
                    std::int64_t n, float *mean, float *spread);
    // The least whole number, 0..256, that reaches mean + theta * spread.
    void (*least)(const float *mean, const float *spread, float theta, std::int64_t n, std::int16_t *least);
    // Bits pixel >= least, and pixel >= level.
    void (*compare)(const std::int16_t *pixels, const std::int16_t *least, const std::uint64_t *valid, std::int64_t words, std::uint64_t *out);
    void (*compare_level)(const std::int16_t *pixels, std::int16_t level, const std::uint64_t *valid, std::int64_t words, std::uint64_t *out);
    // The nearest whole number, ties to even, to 32 (x - mean) / spread, within -127..127.
    void (*scores)(const std::int16_t *pixels, const float *mean, const float *spread, std::int64_t n, std::int16_t *out);
};

struct Codes {
    std::vector<std::int32_t> windows;
    std::vector<float> theta;  // [windows][thetas]
    int thetas = 0;
    float floor = 0;
    std::vector<float> levels[2];  // fixed levels on the grey plane and on the second one

    // Channel 4 t + 2 dy + dx: thresholds window by window, then the levels plane by plane.
    int channels() const { return static_cast<int>(4 * (theta.size() + levels[0].size() + levels[1].size())); }
    int half() const;  // of the widest window
};

// A page's planes (the second may be null) of `height` x `width` pixels, seen as `cells_high` x `cells_wide` cells: what is beyond the last row and
// column repeats it.
struct Page {
    const std::uint8_t *planes[2];
    std::int64_t height, width, cells_high, cells_wide;
};

// The codes of the cells [left, left + width), one cell row after the other from `top` downwards.
class Rows {
public:
    Rows(Level, const Codes &, const Page &, std::int64_t top, std::int64_t left, std::int64_t width);

    // The next row: out[channel] is a row of bits (bitsliced.hpp) of ceil(width / 64) words.
    void next(std::uint64_t *const *out);
    // Instead: the next row as whole numbers for the edge step (edge.hpp), out[channel] of the row's width rounded up to 64: 4 a window, then the grey level
    // halved less 64, then, where the second plane has levels, that plane halved.
    void next_levels(std::int16_t *const *out);
    // Instead: mean, and deviation with the floor, of each window around the next row's cells.
    void next_moments(float *const *mean, float *const *spread);
    // The four pixels of each of n cells of row y from column `first`.
    void pixels(int plane, std::int64_t y, std::int64_t first, std::int64_t n, std::vector<std::int16_t> (&to)[4]) const;

private:
    void moments(std::size_t window, float *mean, float *spread);
    void take_window();
    void take(std::int64_t y);
    const std::uint32_t *integral(std::int64_t y, int which) const;

    const Kernels &kernels_;
    const Codes &codes_;
    Page page_;
    std::int64_t y_, left_, width_, words_, half_, first_, seen_;  // columns [first_, first_ + seen_) are what any window sees
    std::int64_t taken_;                                           // cell rows below this are in the integral image
    std::int64_t start_, length_;                                  // its first row, its rows' length
    std::vector<std::uint32_t> ring_[2], sum_, square_;
    std::vector<std::int16_t> pixels_[2][4], least_, around_[4];
    std::vector<std::vector<std::int32_t>> columns_;  // [windows]: how many columns each cell's window has
    std::vector<float> mean_, spread_;
    std::vector<std::uint64_t> valid_;
};

}  // namespace docbin::stem
