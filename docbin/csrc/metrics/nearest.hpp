// "All nearest features": every set pixel of a mask at the smallest chessboard distance, within a box.
#pragma once
#include <bit>

#include "metrics/components.hpp"

namespace docbin {

// 64 pixels of a row, pixel x at bit 31.
inline std::uint64_t window(const std::uint64_t *row, int x) {
    const int at = x - 31 + 64;
    const std::uint64_t *word = row + (at >> 6) - 1;
    const int bit = at & 63;
    return bit ? word[0] >> bit | word[1] << (64 - bit) : word[0];
}

inline BitMask contour_of(const BitMask &ink) {
    BitMask contour(ink.height, ink.width);
    for (int y = 0; y < ink.height; ++y) {
        const std::uint64_t *here = ink.row(y), *up = ink.row(y - 1), *down = ink.row(y + 1);
        for (int w = 0; w < ink.words; ++w) contour.row(y)[w] = here[w] & ~(up[w] & down[w] & shifted(here, w, 1) & shifted(here, w, -1));
    }
    return contour;
}

// Calls visit(y, x) for every feature inside `box` at exactly the chessboard distance `radius` of (y, x); returns whether there was one.
template <class Visit>
bool visit_ring(const BitMask &features, const Box &box, int y, int x, int radius, Visit &&visit) {
    bool found = false;
    if (radius > 31) {  // wider than a word: cell by cell
        const auto cell = [&](int cy, int cx) {
            if (box.holds(cy, cx) && features.at(cy, cx)) {
                found = true;
                visit(cy, cx);
            }
        };
        for (int cx = x - radius; cx <= x + radius; ++cx) {
            cell(y - radius, cx);
            cell(y + radius, cx);
        }
        for (int cy = y - radius + 1; cy < y + radius; ++cy) {
            cell(cy, x - radius);
            cell(cy, x + radius);
        }
        return found;
    }
    const int from = std::max(x - radius, box.left), to = std::min(x + radius, box.right);
    if (from > to) return false;
    const std::uint64_t columns = ~std::uint64_t{0} >> (63 - (to - from)) << (31 + from - x);
    const std::uint64_t sides = (std::uint64_t{1} << (31 - radius) | std::uint64_t{1} << (31 + radius)) & columns;
    const auto scan = [&](int cy, std::uint64_t wanted) {
        std::uint64_t hits = window(features.row(cy), x) & wanted;
        found |= hits != 0;
        for (; hits != 0; hits &= hits - 1) visit(cy, x - 31 + std::countr_zero(hits));
    };
    if (y - radius >= box.top) scan(y - radius, columns);
    if (sides != 0)
        for (int cy = std::max(y - radius + 1, box.top); cy <= std::min(y + radius - 1, box.bottom); ++cy) scan(cy, sides);
    if (y + radius <= box.bottom && radius != 0) scan(y + radius, columns);
    return found;
}

// The first ring from `radius` on that holds a feature inside `box`; returns its radius, or -1 when the box holds none.
template <class Visit>
int visit_nearest(const BitMask &features, const Box &box, int y, int x, int radius, Visit &&visit) {
    for (;; ++radius) {
        if (visit_ring(features, box, y, x, radius, visit)) return radius;
        if (y - radius <= box.top && y + radius >= box.bottom && x - radius <= box.left && x + radius >= box.right) return -1;
    }
}

}  // namespace docbin
