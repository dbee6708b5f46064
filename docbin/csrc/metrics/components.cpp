#include "metrics/components.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace docbin {

void *page_memory(std::size_t size, Start start) {
    void *data = start == Start::any ? std::malloc(size + 1) : std::calloc(size + 1, 1);
    if (data == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    if (start != Start::sparse && size >= std::size_t{4} << 20) {
        constexpr std::uintptr_t small = 4096;
        const auto at = reinterpret_cast<std::uintptr_t>(data), begin = (at + small - 1) / small * small;
        madvise(reinterpret_cast<void *>(begin), size - (begin - at), MADV_HUGEPAGE);
    }
#endif
    return data;
}

namespace {

// Appends the runs of one row; `flip` is all ones for the complement.
void append_runs(const BitMask &mask, int y, std::uint64_t flip, std::vector<Run> &runs) {
    const std::uint64_t *row = mask.row(y);
    std::uint64_t before = 0;
    bool open = false;
    for (int w = 0; w < mask.words; ++w) {
        std::uint64_t word = row[w] ^ flip;
        const int left = mask.width - 64 * w;
        if (left < 64) word &= (std::uint64_t{1} << left) - 1;
        std::uint64_t edges = word ^ (word << 1 | before);
        before = word >> 63;
        while (edges != 0) {
            const int x = 64 * w + std::countr_zero(edges);
            edges &= edges - 1;
            if (open)
                runs.back().end = x;
            else
                runs.push_back({y, x, mask.width, 0});
            open = !open;
        }
    }
}

int root_of(std::vector<int> &parent, int run) {
    while (parent[run] != run) run = parent[run] = parent[parent[run]];
    return run;
}

}  // namespace

int Components::label_at(int y, int x) const {
    const auto first = runs.begin() + static_cast<std::ptrdiff_t>(row_at[y]), last = runs.begin() + static_cast<std::ptrdiff_t>(row_at[y + 1]);
    const auto after = std::upper_bound(first, last, x, [](int value, const Run &run) { return value < run.begin; });
    return after != first && (after - 1)->end > x ? (after - 1)->label : 0;
}

Components components(const BitMask &mask, bool complement) {
    Components found;
    std::vector<Run> &runs = found.runs;
    std::vector<int> parent;
    found.row_at.assign(static_cast<std::size_t>(mask.height) + 1, 0);
    for (int y = 0; y < mask.height; ++y) {
        found.row_at[y] = runs.size();
        append_runs(mask, y, complement ? ~std::uint64_t{0} : 0, runs);
        for (std::size_t k = parent.size(); k < runs.size(); ++k) parent.push_back(static_cast<int>(k));
        if (y == 0) continue;
        std::size_t above = found.row_at[y - 1];
        for (std::size_t k = found.row_at[y]; k < runs.size(); ++k) {
            while (above < found.row_at[y] && runs[above].end < runs[k].begin) ++above;
            for (std::size_t other = above; other < found.row_at[y] && runs[other].begin <= runs[k].end; ++other) {
                const int a = root_of(parent, static_cast<int>(other)), b = root_of(parent, static_cast<int>(k));
                // The smaller index wins, so a root is its component's first run.
                if (a < b) parent[b] = a;
                if (b < a) parent[a] = b;
            }
        }
    }
    found.row_at[mask.height] = runs.size();
    found.boxes.push_back({0, 0, -1, -1});
    for (std::size_t k = 0; k < runs.size(); ++k) {
        const int root = root_of(parent, static_cast<int>(k));
        Run &run = runs[k];
        if (root == static_cast<int>(k)) {
            run.label = static_cast<int>(found.boxes.size());
            found.boxes.push_back({run.y, run.begin, run.y, run.end - 1});
        } else {
            run.label = runs[root].label;
        }
        Box &box = found.boxes[run.label];
        box.left = std::min(box.left, run.begin);
        box.right = std::max(box.right, run.end - 1);
        box.bottom = run.y;
    }
    return found;
}

namespace {

// Bytes of 255 where the eight bits are set, the first pixel in the lowest byte (memory order on little-endian machines).
constexpr std::array<std::uint64_t, 256> spread_table() {
    std::array<std::uint64_t, 256> table{};
    for (unsigned bits = 0; bits < 256; ++bits)
        for (unsigned k = 0; k < 8; ++k)
            if (bits >> k & 1) table[bits] |= std::uint64_t{255} << 8 * (std::endian::native == std::endian::little ? k : 7 - k);
    return table;
}

// Row y of the distances that one look decides: 0 on a feature, 1 beside one, else 255.
void first_look(const BitMask &features, int y, std::uint8_t *here) {
    static constexpr std::array<std::uint64_t, 256> spread = spread_table();
    constexpr std::uint64_t ones = 0x0101010101010101u;
    const std::uint64_t *up = features.row(y - 1), *at = features.row(y), *down = features.row(y + 1);
    std::uint64_t before = 0, now = up[0] | at[0] | down[0];
    for (int w = 0; w < features.words; ++w) {
        const std::uint64_t after = w + 1 < features.words ? up[w + 1] | at[w + 1] | down[w + 1] : 0;
        const std::uint64_t near = now | now << 1 | now >> 1 | before >> 63 | after << 63, beside = near & ~at[w];
        before = now, now = after;
        std::uint64_t block[8];
        for (int k = 0; k < 8; ++k) block[k] = ~spread[near >> 8 * k & 255] | (spread[beside >> 8 * k & 255] & ones);
        std::memcpy(here + 64 * w, block, static_cast<std::size_t>(std::min(64, features.width - 64 * w)));
    }
}

}  // namespace

// Two sweeps, and steps to the side in the last row only. A feature at distance d has a path of d king's steps, each of which keeps the longer axis going; the
// shorter axis may go either way at every step, or stay. A long way down or up needs no step to the side. A long way to the side may go down, then up, once
// its first step, off the feature, has settled which (the first look takes all eight neighbours); where the page ends before it turns, it goes along the last row.
ByteMap chessboard(const BitMask &features, const metrics::Kernels &kernels) {
    ByteMap distance(features.height, features.width, Start::any);
    const int height = features.height, width = features.width;
    std::memset(distance.row(-1) - 1, 255, distance.stride);
    std::memset(distance.row(height) - 1, 255, distance.stride);
    for (int y = 0; y < height; ++y) {
        std::uint8_t *here = distance.row(y);
        first_look(features, y, here);
        here[-1] = here[width] = 255;
        kernels.distance(here, distance.row(y - 1), width);
    }
    std::uint8_t *last = distance.row(height - 1);
    for (int x = 1; x < width; ++x) last[x] = static_cast<std::uint8_t>(std::min<int>(last[x], last[x - 1] + 1));
    for (int x = width - 1; x-- > 0;) last[x] = static_cast<std::uint8_t>(std::min<int>(last[x], last[x + 1] + 1));
    for (int y = height - 2; y >= 0; --y) kernels.distance(distance.row(y), distance.row(y + 1), width);
    return distance;
}

}  // namespace docbin
