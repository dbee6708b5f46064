#include "assessment/pieces.hpp"

#include <algorithm>
#include <cstring>

namespace docbin::assessment {
namespace {

struct Run {
    std::int32_t begin, end;  // pixels begin .. end - 1 of a row
    std::uint32_t parent;     // an earlier run of the same piece, or the run itself
};

std::uint32_t root(std::vector<Run> &runs, std::uint32_t run) {
    while (runs[run].parent != run) run = runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

// First x >= from with row[x] == wanted (0 or 1), eight pixels a step.
std::int64_t find(const std::uint8_t *row, std::int64_t from, std::int64_t width, std::uint8_t wanted) {
    const std::uint64_t other = wanted ? 0 : 0x0101010101010101u;
    for (; from + 8 <= width; from += 8) {
        std::uint64_t word;
        std::memcpy(&word, row + from, 8);
        if (word != other) break;
    }
    while (from < width && row[from] != wanted) ++from;
    return from;
}

}  // namespace

std::vector<Piece> pieces(const std::uint8_t *bits, const std::uint8_t *depth, const std::uint8_t *slope, bool eight, std::int64_t height,
                          std::int64_t width) {
    const std::int32_t reach = eight ? 1 : 0;  // pixels that runs of neighbouring rows may lie apart, less one, and still touch
    std::vector<Run> runs;
    std::vector<Piece> of_run;  // a run's own sums; those of its piece gather at the root below
    std::vector<std::uint32_t> first(static_cast<std::size_t>(height) + 1, 0);
    for (std::int64_t y = 0; y < height; ++y) {
        const std::uint8_t *row = bits + y * width;
        std::uint32_t above = y > 0 ? first[y - 1] : 0;
        const auto above_end = static_cast<std::uint32_t>(runs.size());
        first[y] = above_end;
        for (std::int64_t begin = find(row, 0, width, 1); begin < width;) {
            const std::int64_t end = find(row, begin, width, 0);
            const auto self = static_cast<std::uint32_t>(runs.size());
            runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end), self});
            Piece sums{end - begin, begin, y, end, y + 1, 0, 0, 0};
            if (depth != nullptr) {
                const std::uint8_t *values = depth + y * width, *steps = slope + y * width;
                std::int64_t sum = 0, steep = 0;
                std::uint8_t most = 0;
                for (std::int64_t x = begin; x < end; ++x) {
                    sum += values[x];
                    steep += steps[x];
                    most = std::max(most, values[x]);
                }
                sums.depth = sum, sums.deepest = most, sums.slope = steep;
            }
            of_run.push_back(sums);
            // Those that end before this run begins can touch no later run either.
            while (above < above_end && runs[above].end + reach <= begin) ++above;
            for (std::uint32_t other = above; other < above_end && runs[other].begin < end + reach; ++other) {
                const std::uint32_t a = root(runs, other), b = root(runs, self);
                if (a < b) runs[b].parent = a;  // the smaller index wins, so a root is its piece's first run
                if (b < a) runs[a].parent = b;
            }
            begin = find(row, end, width, 1);
        }
    }
    // A parent stands before its child, so one pass forwards brings every run to its root, whose place in the table is known by then.
    std::vector<Piece> table;
    std::vector<std::uint32_t> place(runs.size());
    for (std::uint32_t run = 0; run < runs.size(); ++run) {
        const Piece &own = of_run[run];
        if (runs[run].parent == run) {
            place[run] = static_cast<std::uint32_t>(table.size());
            table.push_back(own);
            continue;
        }
        runs[run].parent = runs[runs[run].parent].parent;
        Piece &whole = table[place[runs[run].parent]];
        whole.area += own.area, whole.depth += own.depth, whole.slope += own.slope;
        whole.left = std::min(whole.left, own.left), whole.right = std::max(whole.right, own.right);
        whole.bottom = std::max(whole.bottom, own.bottom), whole.deepest = std::max(whole.deepest, own.deepest);
    }
    return table;
}

}  // namespace docbin::assessment
