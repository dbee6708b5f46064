#include "metrics/thinning.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

namespace docbin {

namespace {

// The clean-up: simple points (one 8-connected neighbourhood) with two neighbours or more that Zhang-Suen left, with the exceptions that the
// contests' weight files show. Neighbours N, NE, E, SE, S, SW, W, NW are bits 0 to 7.
std::array<bool, 256> tidy_table() {
    std::array<bool, 256> table{};
    for (int code = 0; code < 256; ++code) {
        const auto p = [code](int k) { return (code >> (k & 7) & 1) != 0; };
        int gaps = 0, rises = 0;
        for (int k = 0; k < 8; ++k) rises += !p(k) && p(k + 1);
        for (int k = 0; k < 8; k += 2) gaps += !p(k) && (p(k + 1) || p(k + 2));
        const int on = std::popcount(static_cast<unsigned>(code));
        const bool first = !(p(2) && p(4) && (p(0) || p(6))), second = !(p(0) && p(6) && (p(2) || p(4)));
        const bool thinned = on >= 2 && on <= 6 && rises == 1 && (first || second);
        table[code] = gaps == 1 && on >= 2 && !thinned;
    }
    table[0x0E] = table[0xE0] = true;
    table[0x15] = table[0x51] = false;
    return table;
}

// Bits x - 1, x, x + 1 of a row.
inline unsigned three(const std::uint64_t *row, int x) {
    const int at = x - 1 + 64;
    const std::uint64_t *word = row + (at >> 6) - 1;
    const int bit = at & 63;
    const std::uint64_t low = word[0] >> bit;
    return static_cast<unsigned>((bit > 61 ? low | word[1] << (64 - bit) : low) & 7);
}

// A pixel can be deleted only if it has two adjacent neighbours on and exactly one gap among N, E, S, W (see tidy_table): a superset, by words.
std::uint64_t tidy_candidates(const std::uint64_t *up, const std::uint64_t *here, const std::uint64_t *down, int w) {
    const std::uint64_t p[10] = {up[w],   shifted(up, w, 1),    shifted(here, w, 1),  shifted(down, w, 1), down[w], shifted(down, w, -1),
                                 shifted(here, w, -1), shifted(up, w, -1), up[w], shifted(up, w, 1)};
    std::uint64_t once = 0, twice = 0;
    for (int k = 0; k < 8; k += 2) {
        const std::uint64_t gap = ~p[k] & (p[k + 1] | p[k + 2]);
        twice |= once & gap;
        once |= gap;
    }
    return here[w] & once & ~twice;
}

// Deletes in raster order, each deletion seen by the pixels after it, pass after pass until a pass deletes nothing. Only a pixel with a deleted
// neighbour can change its mind, so after the first look only those are looked at again: in this pass if they come later, else in the next.
void tidy(BitMask &mask) {
    static const std::array<bool, 256> table = tidy_table();
    BitMask now(mask.height, mask.width), next(mask.height, mask.width);
    for (int y = 0; y < mask.height; ++y)
        for (int w = 0; w < mask.words; ++w)
            if (mask.row(y)[w] != 0) now.row(y)[w] = tidy_candidates(mask.row(y - 1), mask.row(y), mask.row(y + 1), w);
    for (bool changed = true; changed; std::swap(now, next)) {
        changed = false;
        for (int y = 0; y < mask.height; ++y) {
            for (int w = 0; w < mask.words; ++w) {
                while (now.row(y)[w] != 0) {
                    const int x = 64 * w + std::countr_zero(now.row(y)[w]);
                    now.clear(y, x);
                    if (!mask.at(y, x)) continue;
                    const unsigned u = three(mask.row(y - 1), x), m = three(mask.row(y), x), d = three(mask.row(y + 1), x);
                    const unsigned code = (u >> 1 & 1) | (u >> 2 & 1) << 1 | (m >> 2 & 1) << 2 | (d >> 2 & 1) << 3 | (d >> 1 & 1) << 4 |
                                          (d & 1) << 5 | (m & 1) << 6 | (u & 1) << 7;
                    if (!table[code]) continue;
                    mask.clear(y, x);
                    changed = true;
                    for (int cy = std::max(y - 1, 0); cy <= std::min(y + 1, mask.height - 1); ++cy)
                        for (int cx = std::max(x - 1, 0); cx <= std::min(x + 1, mask.width - 1); ++cx)
                            if (mask.at(cy, cx)) (cy > y || (cy == y && cx > x) ? now : next).set(cy, cx);
                }
            }
        }
    }
}

// Words that may hold deletable pixels: those near a deletion of the last two sub-iterations (the two use different rules, so each must look twice). A bit a word
// of the mask, in rows of `chunks`; one row more above and below, for touching without a test.
struct Front {
    const int height, words, chunks;
    std::vector<std::uint64_t> now, before, work;
    bool any_now = false, any_before = false;

    explicit Front(const BitMask &mask)
        : height(mask.height), words(mask.words), chunks((mask.words + 63) / 64), now((static_cast<std::size_t>(height) + 2) * chunks), before(now.size()), work(now.size()) {}

    std::uint64_t *row(std::vector<std::uint64_t> &of, int y) { return of.data() + (static_cast<std::size_t>(y) + 1) * chunks; }

    // The words of a row in which pixels went, those whose first pixel did and those whose last.
    void touch(int y, int chunk, std::uint64_t changed, std::uint64_t first, std::uint64_t last) {
        const std::uint64_t reached = changed | first >> 1 | last << 1;
        for (int other = y - 1; other <= y + 1; ++other) {
            std::uint64_t *to = row(now, other) + chunk;
            *to |= reached;
            if ((first & 1) != 0 && chunk > 0) to[-1] |= std::uint64_t{1} << 63;
            if (last >> 63 != 0 && chunk + 1 < chunks) to[1] |= 1;
        }
        any_now = true;
    }

    void next() {
        for (std::size_t i = 0; i < work.size(); ++i) work[i] = now[i] | before[i];
        std::swap(now, before);
        std::fill(now.begin(), now.end(), 0);
        any_before = any_now, any_now = false;
    }
};

// One sub-iteration. A row's pixels go once the row below has been looked at, for all are to see the mask as it was.
struct Rounds {
    BitMask &mask;
    Front &front;
    const metrics::Kernels &kernels;
    std::vector<std::uint64_t> gone[2], changed[2];

    Rounds(BitMask &mask, Front &front, const metrics::Kernels &kernels) : mask(mask), front(front), kernels(kernels) {
        for (int k = 0; k < 2; ++k) gone[k].resize(mask.words), changed[k].resize(front.chunks);
    }

    void look(int iteration, int y) {
        std::vector<std::uint64_t> &deleted = gone[y & 1];
        const std::uint64_t *active = front.row(front.work, y);
        for (int chunk = 0; chunk < front.chunks; ++chunk) {
            const int first = 64 * chunk;
            changed[y & 1][chunk] = active[chunk] == 0 ? 0
                : kernels.thin(iteration, mask.row(y - 1) + first, mask.row(y) + first, mask.row(y + 1) + first, active[chunk],
                               std::min(mask.words - first, 64), deleted.data() + first);
        }
    }

    void remove(int y) {
        for (int chunk = 0; chunk < front.chunks; ++chunk) {
            const std::uint64_t words = changed[y & 1][chunk];
            if (words == 0) continue;
            std::uint64_t first = 0, last = 0;
            for (std::uint64_t left = words; left != 0; left &= left - 1) {
                const int k = std::countr_zero(left), w = 64 * chunk + k;
                const std::uint64_t bits = gone[y & 1][w];
                mask.row(y)[w] &= ~bits;
                first |= (bits & 1) << k;
                last |= bits >> 63 << k;
            }
            front.touch(y, chunk, words, first, last);
        }
    }

    void sub_iteration(int iteration) {
        front.next();
        for (int y = 0; y < mask.height; ++y) {
            look(iteration, y);
            if (y > 0) remove(y - 1);
        }
        remove(mask.height - 1);
    }
};

}  // namespace

void thin(BitMask &mask, const metrics::Kernels &kernels) {
    Front front(mask);
    for (int y = 0; y < mask.height; ++y)
        for (int w = 0; w < mask.words; ++w)
            if (mask.row(y)[w] != 0) front.row(front.now, y)[w >> 6] |= std::uint64_t{1} << (w & 63), front.any_now = true;
    front.before = front.now, front.any_before = front.any_now;
    Rounds rounds(mask, front, kernels);
    while (front.any_now || front.any_before) {
        rounds.sub_iteration(1);
        rounds.sub_iteration(2);
    }
    tidy(mask);
}

}  // namespace docbin
