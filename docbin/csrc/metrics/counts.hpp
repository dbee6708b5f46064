// Sufficient statistics of the pixel metrics (FM, PSNR, NRM, DRD) of two masks, as integers: exact, and equal on every level.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace docbin {

// A mask as rows of 64-bit words, pixel x of a row at bit x % 64 of word x / 64. Every row has an empty word before and after it, and two empty
// rows lie above and below, so that neighbours within two pixels are read without a test.
struct BitMask {
    static constexpr int margin = 2;
    static constexpr int beyond = 8;  // words at the very end, for vectors that read past a row
    int height, width, words;
    std::size_t stride;
    std::vector<std::uint64_t> bits;

    BitMask(int height, int width);
    // From one byte a pixel, 0 or 1.
    BitMask(const std::uint8_t *mask, int height, int width);

    std::uint64_t *row(int y) { return bits.data() + static_cast<std::size_t>(y + margin) * stride + 1; }
    const std::uint64_t *row(int y) const { return bits.data() + static_cast<std::size_t>(y + margin) * stride + 1; }
    bool at(int y, int x) const { return row(y)[x >> 6] >> (x & 63) & 1; }
    void set(int y, int x) { row(y)[x >> 6] |= std::uint64_t{1} << (x & 63); }
    void clear(int y, int x) { row(y)[x >> 6] &= ~(std::uint64_t{1} << (x & 63)); }
};

// Word w of a row moved so that bit x holds the pixel at x + shift (-2 to 2).
inline std::uint64_t shifted(const std::uint64_t *row, int w, int shift) {
    if (shift > 0) return row[w] >> shift | row[w + 1] << (64 - shift);
    if (shift < 0) return row[w] << -shift | row[w - 1] >> (64 + shift);
    return row[w];
}

struct PixelCounts {
    std::int64_t true_ink = 0, false_ink = 0, missed_ink = 0;
    // Neighbours (5 x 5, inside the page) of wrong pixels whose truth differs from the wrong prediction, by squared distance 1, 2, 4, 5, 8.
    std::array<std::int64_t, 5> distortion{};
    // Whole 8 x 8 blocks of the truth, from the top left corner, that hold both ink and paper.
    std::int64_t mixed_blocks = 0;
};

PixelCounts count_pixels(const BitMask &prediction, const BitMask &truth);

}  // namespace docbin
