#include "metrics_components.hpp"

#include <algorithm>
#include <bit>

namespace docbin {

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

ByteMap chessboard(const BitMask &features) {
    ByteMap distance(features.height, features.width, 255);
    const int width = features.width;
    // Two sweeps are exact for the chessboard distance: a shortest path can take its steps from above or the left first.
    const auto sweep = [&](int y, int from, bool forward) {
        std::uint8_t *here = distance.row(y);
        const std::uint8_t *near = distance.row(from);
        for (int x = 0; x < width; ++x) {
            const std::uint8_t least = std::min(std::min(near[x - 1], near[x]), near[x + 1]);
            const std::uint8_t step = static_cast<std::uint8_t>(least + (least != 255));
            here[x] = std::min(here[x], step);
        }
        int carry = 255;
        if (forward)
            for (int x = 0; x < width; ++x) here[x] = static_cast<std::uint8_t>(carry = std::min(carry + 1, static_cast<int>(here[x])));
        else
            for (int x = width - 1; x >= 0; --x) here[x] = static_cast<std::uint8_t>(carry = std::min(carry + 1, static_cast<int>(here[x])));
    };
    for (int y = 0; y < features.height; ++y) {
        std::uint8_t *here = distance.row(y);
        const std::uint64_t *bits = features.row(y);
        for (int w = 0; w < features.words; ++w)
            for (std::uint64_t word = bits[w]; word != 0; word &= word - 1) here[64 * w + std::countr_zero(word)] = 0;
        sweep(y, y - 1, true);
    }
    for (int y = features.height - 1; y >= 0; --y) sweep(y, y + 1, false);
    return distance;
}

}  // namespace docbin
