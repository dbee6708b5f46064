// The choice among local thresholds behind a head of bits: what the head says a cell of 4 x 4 pixels becomes, a cell of 2 x 2, a line whose sign at the
// pixel's grey level is ink or paper.
//
// The head's numbers are quantized to 1 / 128 and interpolated to cells of 2 x 2 in whole numbers of 16 bits, sixteen times as large. Shares of the
// options (softmax), thresholds and the line are of single precision in a fixed order without contraction, exponentials a polynomial and the exponent's
// bits. The line is cut to whole numbers of 2^-15, interpolated to pixels and evaluated in 32 bits: with shares of at most 1, a slope of at most
// `steepest` and a sharpness of at most `sharpest` no sum leaves them (level - slope * grey + page * (depth - 48), sixteen times: below 2^31 * 3 / 4).
// So every level and NumPy (docbin/kernels/reference_choice.py) give the same page.
#pragma once
#include <cstdint>
#include <vector>

#include "engine/stem.hpp"
#include "levels.hpp"

namespace docbin::choice {

inline constexpr std::int64_t block = 64;  // cells that are taken at a time
inline constexpr int scale_window = 11, controls = 3, most_windows = 16;
inline constexpr float steepest = 8.0f, sharpest = 128.0f;
enum Part : int { slope_part, level_part, gate_part, page_part };  // of a line
inline constexpr int parts = 4;

// What the lines are made of, a row of cells of 2 x 2 pixels: what the head says, [options + controls], and of each window mean and deviation; `spread` is the
// deviation that offsets are measured in.
struct Seen {
    const std::int16_t *const *said;
    const float *const *mean, *const *deviation;
    const float *spread;
};

struct Numbers {
    int windows = 0;
    bool page = false;          // whether the page's own threshold is an option
    float base = 0, slant = 0;  // Sauvola's threshold is mean * (base + slant * deviation)
    float sharpness = 0;
};

// n is a number of cells; where it is said to be a multiple of `block`, arrays are as long.
struct Kernels {
    void (*quantize)(const float *head, std::int64_t n, std::int16_t *out);
    // Three parts of one row and one of another, and the same of each cell and its neighbour on the left and on the right: 2 n cells from the cells
    // [-1, n] of `line`.
    void (*between)(const std::int16_t *near, const std::int16_t *far, std::int64_t n, std::int16_t *line);
    void (*twice)(const std::int16_t *line, std::int64_t n, std::int16_t *out);
    // n a multiple of `block`; out[part][n].
    void (*lines)(const Seen &seen, const Numbers &numbers, std::int64_t n, std::int32_t *const *out);
    void (*between_lines)(const std::int32_t *near, const std::int32_t *far, std::int64_t n, std::int32_t *line);
    // Logits of one of the two pixels of each of n cells: of the cell's line and that of its neighbour, `side` cells further. Without a page's threshold
    // `depth` is null.
    void (*decide)(const std::int32_t *const *line, std::int64_t side, const std::int16_t *grey, const std::int16_t *depth, std::int64_t n, float *out);
};

// The step's numbers, the windows as the stem's rows take them, and which of these is the unit's.
struct Chooser {
    Numbers numbers;
    stem::Codes seen;
    int unit = 0;
    int outputs() const { return 2 * numbers.windows + numbers.page + controls; }
};

// Checks the numbers (std::invalid_argument).
Chooser make_chooser(const std::int32_t *windows, std::size_t count, bool page, float floor, float k, float sharpness);

// What the head says of a page: [output][cells of 4 x 4 down][pitch].
struct Said {
    std::vector<std::int16_t> levels;
    std::int64_t high = 0, wide = 0;
    std::int16_t *row(int output, std::int64_t y) { return levels.data() + (output * high + y) * wide; }
    const std::int16_t *row(int output, std::int64_t y) const { return levels.data() + (output * high + y) * wide; }
};

// Rows [top, bottom) of cells of 2 x 2 pixels: logits or ink (the other is null), rows of the page's width.
void run(Level level, const Chooser &chooser, const stem::Page &page, const Said &said, std::int64_t top, std::int64_t bottom, float *logits,
         std::uint8_t *ink);

}  // namespace docbin::choice
