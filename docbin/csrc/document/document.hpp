// The pixel loops of the document methods (Otsu's local histograms, Su, Gatos, Bataineh), one table of functions a target.
//
// All functions see a page as `height` rows of `width` contiguous bytes and work in scratch memory that the caller owns: see target.hpp.
// Every decision is made in integers or in a fixed order of double operations, so all levels return the same bits.
#pragma once
#include <cstdint>

namespace docbin::document {

struct Kernels {
    // Local contrast (max - min) / (max + min) of every 3 x 3 neighbourhood, scaled to 0..255 and rounded down; scratch: 2 * (width + 2) bytes.
    void (*contrast)(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::uint8_t *out, std::uint8_t *scratch);

    // Su's rule. Over the pixels of the (2 rx + 1) x (2 ry + 1) window whose contrast exceeds `level`: n of them, sum s, sum of squares q;
    // ink where n >= least and (g n - s <= 0 or (g n - s)^2 <= spread2 (n q - s^2)). `wide` asks for 64-bit sums (windows of more than
    // 2^32 / 255^2 pixels). scratch: 3 * (2 * width + 2 * rx + 1) words of 4 (8 if wide) bytes.
    void (*su)(const std::uint8_t *grey, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width, std::int64_t ry,
               std::int64_t rx, double least, double spread2, bool wide, std::uint8_t *out, void *scratch);

    // Background surface: grey itself on paper; on ink the mean (rounded down) of the paper pixels in the window, or grey where there is none.
    // totals: [0] sum of surface - grey over the page, [1] ink pixels, [2] sum of the surface over paper. `wide`: windows of more than 2^32 / 255
    // pixels. scratch: background_scratch(width, rx, wide) bytes, for words of 4 (8 if wide) bytes.
    void (*background)(const std::uint8_t *grey, const std::uint8_t *ink, std::int64_t height, std::int64_t width, std::int64_t ry,
                       std::int64_t rx, bool wide, std::uint8_t *out, std::int64_t *totals, void *scratch);

    // 1 where the filtered page is below the limit of its surface's grey, by one of two tables of 256 limits: that of ink where `ink` is not 0, else that of
    // paper. On paper the surface is the filtered page itself. `out` may be `surface`.
    void (*below_surface)(const std::uint8_t *filtered, const std::uint8_t *surface, const std::uint8_t *ink, std::int64_t pixels,
                          const std::uint8_t *paper_limits, const std::uint8_t *ink_limits, std::uint8_t *out);

    // n^2 times the 3 x 3 variance, summed per neighbourhood size n (1..9); sums: 10 integers. scratch: 2 * (width + 2) ints.
    void (*wiener_noise)(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t *sums, std::int32_t *scratch);

    // The Wiener filter over 3 x 3 with that noise (at least 0), rounded down. scratch: as above.
    void (*wiener)(const std::uint8_t *grey, std::int64_t height, std::int64_t width, double noise, std::uint8_t *out, std::int32_t *scratch);

    // Per cell of a grid (row_edges: rows + 1 ascending, column_edges: columns + 1): sum, sum of squares, pixels <= black, pixels in
    // (black, white). stats: rows * columns * 4. scratch: 4 * width words.
    void (*cells)(const std::uint8_t *grey, std::int64_t width, const std::int64_t *row_edges, std::int64_t rows,
                  const std::int64_t *column_edges, std::int64_t columns, int black, int white, std::int64_t *stats, std::uint32_t *scratch);

    // Otsu's threshold of the window around every step-th pixel (and the last row and column), one byte each, row by row of the nodes.
    // columns: width * 256 zeroed counters of 16 bits (min(2 ry + 1, height) < 65536).
    void (*sliding_otsu)(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t ry, std::int64_t rx, std::int64_t step,
                         std::uint8_t *out, std::uint16_t *columns);
};

namespace {

constexpr std::int64_t background_scratch(std::int64_t width, std::int64_t rx, bool wide) {
    const std::int64_t span = width + 16;  // a vector of the widest level beyond the row
    return wide ? 8 * (4 * width + 4 * rx + 2) : 8 * (span + 2 * rx + 1) + 8 * span + width;
}

}  // namespace

}  // namespace docbin::document
