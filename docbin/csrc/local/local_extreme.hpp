// Least and largest grey in every window, any size at one cost, and Bernsen's rule on them. Downwards: van Herk's and Gil and Werman's blocks (Pattern
// Recognition Letters 13, 1992; IEEE PAMI 15, 1993): cut the column into blocks as long as the window; a window then is the tail of one block and the head
// of the next, so a running extreme from both ends of every block serves all windows with two comparisons a pixel. Along the row, where neighbours share
// a vector register, extremes of 1, 4, 16, ... pixels, and up to four overlapping ones for the window. A row of results is used while it is in the
// first-level cache and never stored; the tails of a strip of columns (Page::strip) stay in the second.
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
DOCBIN_NOINLINE void better_of(const uint8_t *__restrict a, const uint8_t *__restrict b, int n, uint8_t *__restrict to) {
    for (int i = 0; i < n; ++i) to[i] = better<largest>(a[i], b[i]);
}

// Takes a row into the head of a block, and the window's extreme from head and tail.
template <bool largest>
DOCBIN_NOINLINE void take_row(const uint8_t *__restrict row, uint8_t *__restrict head, const uint8_t *__restrict tail, int n, uint8_t *__restrict to) {
    for (int i = 0; i < n; ++i) {
        const uint8_t now = better<largest>(head[i], row[i]);
        head[i] = now;
        to[i] = better<largest>(now, tail[i]);
    }
}

template <bool largest>
DOCBIN_NOINLINE void better_of_four(const uint8_t *__restrict from, int second, int third, int fourth, int n, uint8_t *__restrict to) {
    const uint8_t *__restrict b = from + second, *__restrict c = from + third, *__restrict d = from + fourth;
    for (int i = 0; i < n; ++i) to[i] = better<largest>(better<largest>(from[i], b[i]), better<largest>(c[i], d[i]));
}

// One extreme of the windows of a strip: columns x0 <= x < x1, and `reach` more on either side.
template <bool largest>
class ExtremeStrip {
public:
    static constexpr uint8_t neutral = largest ? 0 : 255;

    ExtremeStrip(const Page &page, int x0, int x1, uint8_t *scratch)
        : page(page), inner(x1 - x0), first(most(0, x0 - page.radius_x)), count(least(page.width, x1 + page.radius_x) - first),
          length(inner + 2 * page.radius_x), tail_pitch(extreme_tail(page)) {
        const std::size_t pitch = extreme_pitch(page);
        // `line` holds a row's extremes downwards; columns outside the page never win.
        line = scratch, other = line + pitch, another = other + pitch, head = another + pitch, tails = head + pitch;
        std::memset(line, neutral, 3 * pitch);
        into = line + (first - (x0 - page.radius_x));
    }

    // tails: of the block of rows top <= y < bottom, the extreme of every row and all below it.
    void begin_block(int top, int bottom) {
        for (int y = bottom - 1; y >= top; --y) {
            uint8_t *to = tail(y - top);
            if (y == bottom - 1)
                std::memcpy(to, row(y), count);
            else
                better_of<largest>(row(y), to + tail_pitch, count, to);
        }
        std::memset(head, neutral, count);
    }

    // The extremes of the windows about a row, `inner` of them (and up to 63 without meaning), valid until the next call.
    const uint8_t *extremes(int first_tail, int entering) {
        if (entering >= 0)
            take_row<largest>(row(entering), head, tail(first_tail), count, into);
        else
            better_of<largest>(tail(first_tail), head, count, into);
        const int window = 2 * page.radius_x + 1;
        uint8_t *from = line, *to = other, *spare = another;
        int span = 1, valid = length;  // from[i]: extreme of entries i .. i + span - 1, for i < valid
        for (; 4 * span <= window; span *= 4) {
            valid -= 3 * span;
            better_of_four<largest>(from, span, 2 * span, 3 * span, whole(valid), to);
            from = to, to = spare, spare = from;
        }
        if (2 * span >= window)
            better_of<largest>(from, from + (window - span), whole(inner), to);
        else
            better_of_four<largest>(from, span, least(2 * span, window - span), window - span, whole(inner), to);
        return to;
    }

private:
    const Page &page;
    const int inner, first, count, length;
    const std::size_t tail_pitch;
    uint8_t *line, *into, *other, *another, *head, *tails;

    static int whole(int n) { return (n + 63) / 64 * 64; }  // the lines have the room, and no loop a rest
    const uint8_t *row(int y) const { return page.grey + static_cast<std::size_t>(y) * page.width + first; }
    uint8_t *tail(int i) const { return tails + static_cast<std::size_t>(i) * tail_pitch; }
};

// Calls with_block(top, bottom) where a block of rows begins, and visit(y, first_tail, entering) for the rows y0 <= y < y1 whose windows begin in it.
template <class Block, class Visit>
DOCBIN_INLINE void walk_blocks(const Page &page, int y0, int y1, Block with_block, Visit visit) {
    const int r = page.radius_y, window = 2 * r + 1;
    for (int first = y0 - r; first + r < y1; first += window) {
        const int top = most(first, 0);
        with_block(top, least(first + window, page.height));
        for (int y = first + r; y < least(first + r + window, y1); ++y) {
            const bool enters = y > first + r && y + r < page.height;
            visit(y, most(y - r, top) - top, enters ? y + r : -1);
        }
    }
}

template <class Each>
DOCBIN_INLINE void each_strip(const Page &page, Each each) {
    for (int x = 0; x < page.width; x += page.strip) each(x, least(page.width, x + page.strip));
}

template <bool largest>
void extreme_rows(const Page &page, uint8_t *out, int y0, int y1, uint8_t *scratch) {
    each_strip(page, [&](int x0, int x1) {
        ExtremeStrip<largest> strip(page, x0, x1, scratch);
        walk_blocks(
            page, y0, y1, [&](int top, int bottom) { strip.begin_block(top, bottom); },
            [&](int y, int first_tail, int entering) {
                std::memcpy(out + static_cast<std::size_t>(y) * page.width + x0, strip.extremes(first_tail, entering), x1 - x0);
            });
    });
}

void extreme_band(const Page &page, bool largest, uint8_t *out, int y0, int y1, void *scratch) {
    largest ? extreme_rows<true>(page, out, y0, y1, static_cast<uint8_t *>(scratch)) : extreme_rows<false>(page, out, y0, y1, static_cast<uint8_t *>(scratch));
}

// The middle rounded down to a byte decides as the exact one does, for the grey is whole.
DOCBIN_NOINLINE void bernsen_pixels(const uint8_t *__restrict grey, const uint8_t *__restrict darkest, const uint8_t *__restrict brightest, int n,
                                    uint8_t contrast, uint8_t flat, uint8_t *__restrict out) {
    for (int x = 0; x < n; ++x) {
        const uint8_t span = static_cast<uint8_t>(brightest[x] - darkest[x]);
        const uint8_t middle = static_cast<uint8_t>(darkest[x] + (span >> 1));
        out[x] = grey[x] <= (span > contrast ? middle : flat);
    }
}

void bernsen_band(const Page &page, uint8_t contrast, uint8_t flat, uint8_t *out, int y0, int y1, void *scratch) {
    uint8_t *memory = static_cast<uint8_t *>(scratch);
    each_strip(page, [&](int x0, int x1) {
        ExtremeStrip<false> low(page, x0, x1, memory);
        ExtremeStrip<true> high(page, x0, x1, memory + extreme_bytes(page));
        walk_blocks(
            page, y0, y1, [&](int top, int bottom) { low.begin_block(top, bottom), high.begin_block(top, bottom); },
            [&](int y, int first_tail, int entering) {
                const std::size_t at = static_cast<std::size_t>(y) * page.width + x0;
                const uint8_t *darkest = low.extremes(first_tail, entering), *brightest = high.extremes(first_tail, entering);
                bernsen_pixels(page.grey + at, darkest, brightest, x1 - x0, contrast, flat, out + at);
            });
    });
}

}  // namespace
}  // namespace docbin::local
