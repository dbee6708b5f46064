#include "metrics/counts.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace docbin {

BitMask::BitMask(int height, int width)
    : height(height), width(width), words((width + 63) / 64), stride(static_cast<std::size_t>(words) + 2),
      bits(stride * static_cast<std::size_t>(height + 2 * margin) + beyond) {}

BitMask::BitMask(const std::uint8_t *mask, int height, int width) : BitMask(height, width) {
    for (int y = 0; y < height; ++y) {
        const std::uint8_t *from = mask + static_cast<std::size_t>(y) * width;
        std::uint64_t *to = row(y);
        int x = 0;
        if constexpr (std::endian::native == std::endian::little) {
            // Eight bytes of 0 or 1 become eight bits: the product gathers them in the top byte, first pixel lowest.
            for (; x + 8 <= width; x += 8) {
                std::uint64_t eight;
                std::memcpy(&eight, from + x, 8);
                to[x >> 6] |= (eight * 0x0102040810204080u >> 56) << (x & 63);
            }
        }
        for (; x < width; ++x) to[x >> 6] |= static_cast<std::uint64_t>(from[x]) << (x & 63);
    }
}

namespace {

std::int64_t mixed_blocks(const BitMask &truth) {
    std::int64_t total = 0;
    for (int y = 0; y + 8 <= truth.height; y += 8) {
        for (int w = 0; w < truth.words; ++w) {
            std::uint64_t any = 0, all = ~std::uint64_t{0};
            for (int k = 0; k < 8; ++k) {
                any |= truth.row(y + k)[w];
                all &= truth.row(y + k)[w];
            }
            if (any == 0) continue;
            const int blocks = std::min(8, (truth.width - 64 * w) / 8);
            for (int b = 0; b < blocks; ++b) total += (any >> 8 * b & 255) != 0 && (all >> 8 * b & 255) != 255;
        }
    }
    return total;
}

}  // namespace

PixelCounts count_pixels(const BitMask &prediction, const BitMask &truth) {
    PixelCounts counts;
    const int height = truth.height, width = truth.width;
    BitMask page(1, width);  // the columns that exist
    for (int x = 0; x < width; ++x) page.set(0, x);
    const std::uint64_t *inside = page.row(0);
    constexpr int kind[3][3] = {{-1, 0, 2}, {0, 1, 3}, {2, 3, 4}};  // by |dy|, |dx|
    for (int y = 0; y < height; ++y) {
        const std::uint64_t *p = prediction.row(y), *t = truth.row(y);
        for (int w = 0; w < truth.words; ++w) {
            counts.true_ink += std::popcount(p[w] & t[w]);
            const std::uint64_t wrong = p[w] ^ t[w];
            if (wrong == 0) continue;
            counts.false_ink += std::popcount(p[w] & ~t[w]);
            counts.missed_ink += std::popcount(t[w] & ~p[w]);
            for (int dy = -2; dy <= 2; ++dy) {
                if (y + dy < 0 || y + dy >= height) continue;
                const std::uint64_t *near = truth.row(y + dy);
                for (int dx = -2; dx <= 2; ++dx) {
                    if (dy == 0 && dx == 0) continue;
                    const std::uint64_t differ = wrong & (shifted(near, w, dx) ^ p[w]) & shifted(inside, w, dx);
                    counts.distortion[kind[dy < 0 ? -dy : dy][dx < 0 ? -dx : dx]] += std::popcount(differ);
                }
            }
        }
    }
    counts.mixed_blocks = mixed_blocks(truth);
    return counts;
}

}  // namespace docbin
