// Least and largest grey in every window, any size at one cost. Downwards: van Herk's and Gil and Werman's blocks (Pattern Recognition Letters 13,
// 1992; IEEE PAMI 15, 1993): cut the column into blocks as long as the window; a window then is the tail of one block and the head of the next, so a
// running extreme from both ends of every block serves all windows with two comparisons a pixel. Along the row, where neighbours share a vector
// register, extremes of 1, 2, 4, ... pixels by doubling, and two overlapping ones for the window; the row stays in the first-level cache.
// Plain loops, which the compiler turns into the level's byte minimum and maximum.
#pragma once
#include "local/local_rows.hpp"

namespace docbin::local {
namespace {

template <bool largest>
DOCBIN_INLINE uint8_t better(uint8_t a, uint8_t b) {
    return largest ? (a > b ? a : b) : (a < b ? a : b);
}

template <bool largest>
void extreme_down(const Page &page, uint8_t *out, int x0, int x1, uint8_t *scratch) {
    const int height = page.height, r = page.radius_y, window = 2 * r + 1, count = x1 - x0;
    const std::size_t width = page.width;
    uint8_t *__restrict head = scratch;                   // extreme of the next block's rows so far
    uint8_t *__restrict tails = scratch + extreme_strip;  // tails[i]: extreme of the block from its i-th row in the page to its end
    for (int first = -r; first < height - r; first += window) {
        const int top = most(first, 0), bottom = least(first + window, height);
        for (int y = bottom - 1; y >= top; --y) {
            const uint8_t *__restrict row = page.grey + y * width + x0;
            uint8_t *__restrict to = tails + static_cast<std::size_t>(y - top) * extreme_strip;
            if (y == bottom - 1) {
                std::memcpy(to, row, count);
            } else {
                const uint8_t *__restrict under = to + extreme_strip;
                for (int x = 0; x < count; ++x) to[x] = better<largest>(row[x], under[x]);
            }
        }
        std::memset(head, largest ? 0 : 255, extreme_strip);
        for (int y = first + r; y < least(first + r + window, height); ++y) {
            const int entering = y + r;
            if (y > first + r && entering < height) {
                const uint8_t *__restrict row = page.grey + entering * width + x0;
                for (int x = 0; x < count; ++x) head[x] = better<largest>(head[x], row[x]);
            }
            const uint8_t *__restrict tail = tails + static_cast<std::size_t>(most(y - r, top) - top) * extreme_strip;
            uint8_t *__restrict to = out + y * width + x0;
            for (int x = 0; x < count; ++x) to[x] = better<largest>(tail[x], head[x]);
        }
    }
}

template <bool largest>
void extreme_along(const Page &page, uint8_t *out, int y0, int y1, uint8_t *scratch) {
    const int r = page.radius_x, window = 2 * r + 1, length = page.width + 2 * r;
    uint8_t *buffers[2] = {scratch, scratch + length + slack};
    for (int y = y0; y < y1; ++y) {
        uint8_t *__restrict row = out + static_cast<std::size_t>(y) * page.width;
        std::memset(buffers[0], largest ? 0 : 255, length);
        std::memcpy(buffers[0] + r, row, page.width);
        int span = 1, valid = length, now = 0;  // buffers[now][i]: extreme of entries i .. i + span - 1, for i < valid
        for (; 2 * span <= window; span *= 2, now ^= 1) {
            valid -= span;
            const uint8_t *__restrict from = buffers[now], *__restrict ahead = from + span;
            uint8_t *__restrict to = buffers[now ^ 1];
            for (int i = 0; i < valid; ++i) to[i] = better<largest>(from[i], ahead[i]);
        }
        const uint8_t *__restrict from = buffers[now], *__restrict ahead = from + (window - span);
        for (int x = 0; x < page.width; ++x) row[x] = better<largest>(from[x], ahead[x]);
    }
}

// The middle rounded down to a byte decides as the exact one does, for the grey is whole.
void bernsen_pixels(const uint8_t *__restrict grey, const uint8_t *__restrict darkest, const uint8_t *__restrict brightest, std::int64_t n, uint8_t contrast,
                    uint8_t flat, uint8_t *__restrict out) {
    for (std::int64_t x = 0; x < n; ++x) {
        const uint8_t span = static_cast<uint8_t>(brightest[x] - darkest[x]);
        const uint8_t middle = static_cast<uint8_t>(darkest[x] + (span >> 1));
        out[x] = grey[x] <= (span > contrast ? middle : flat);
    }
}

void extreme_columns_band(const Page &page, bool largest, uint8_t *out, int x0, int x1, void *scratch) {
    for (int x = x0; x < x1; x += extreme_strip) {
        const int end = least(x1, x + extreme_strip);
        if (largest)
            extreme_down<true>(page, out, x, end, static_cast<uint8_t *>(scratch));
        else
            extreme_down<false>(page, out, x, end, static_cast<uint8_t *>(scratch));
    }
}

void extreme_rows_band(const Page &page, bool largest, uint8_t *out, int y0, int y1, void *scratch) {
    if (largest)
        extreme_along<true>(page, out, y0, y1, static_cast<uint8_t *>(scratch));
    else
        extreme_along<false>(page, out, y0, y1, static_cast<uint8_t *>(scratch));
}

}  // namespace
}  // namespace docbin::local
