#include "assessment/pieces.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace docbin::assessment {
namespace {

struct Run {
    std::int32_t begin, end, row;  // pixels begin .. end - 1 of a row
    std::uint32_t parent;          // an earlier run of the same piece, or the run itself
};

// Of a run; those of its piece gather at the root when all runs are known.
struct Sums {
    std::uint32_t depth, slope;  // of one row of less than 2^24 pixels
    std::uint8_t deepest, steepest;
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
        if (word == other) continue;
        if constexpr (std::endian::native == std::endian::little) return from + (std::countr_zero(word ^ other) >> 3);
        break;
    }
    while (from < width && row[from] != wanted) ++from;
    return from;
}

// The runs of a mask in raster order, joined to pieces: a run's parent is an earlier one of its piece, or itself, the first. `found` hears of every run before it
// is joined.
template <class Found>
std::vector<Run> joined_runs(const std::uint8_t *bits, bool eight, std::int64_t height, std::int64_t width, Found &&found) {
    const std::int32_t reach = eight ? 1 : 0;  // pixels that runs of neighbouring rows may lie apart, less one, and still touch
    std::vector<Run> runs;
    runs.reserve(1 << 16);
    std::uint32_t row_before = 0;  // its first run
    for (std::int64_t y = 0; y < height; ++y) {
        const std::uint8_t *row = bits + y * width;
        std::uint32_t above = row_before;
        const auto above_end = static_cast<std::uint32_t>(runs.size());
        row_before = above_end;
        for (std::int64_t begin = find(row, 0, width, 1); begin < width;) {
            const std::int64_t end = find(row, begin, width, 0);
            const auto self = static_cast<std::uint32_t>(runs.size());
            runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end), static_cast<std::int32_t>(y), self});
            found(runs.back());
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
    return runs;
}

// Calls first(run) for the first run of every piece, which makes its place in a table, and more(run, place) for the others. A parent stands before its child, so
// one pass forwards brings every run to its root, whose place is known by then.
template <class First, class More>
void by_piece(std::vector<Run> &runs, First &&first, More &&more) {
    std::vector<std::uint32_t> place(runs.size());
    std::uint32_t count = 0;
    for (std::uint32_t run = 0; run < runs.size(); ++run) {
        Run &one = runs[run];
        if (one.parent == run) {
            place[run] = count++;
            first(run);
        } else {
            one.parent = runs[one.parent].parent;
            more(run, place[one.parent]);
        }
    }
}

}  // namespace

std::vector<Piece> pieces(const std::uint8_t *bits, const std::uint8_t *depth, const std::uint8_t *slope, bool eight, std::int64_t height,
                          std::int64_t width) {
    std::vector<Sums> sums;  // a run's own
    sums.reserve(depth != nullptr ? 1 << 16 : 0);
    std::vector<Run> runs = joined_runs(bits, eight, height, width, [&](const Run &run) {
        if (depth == nullptr) return;
        const std::uint8_t *values = depth + run.row * width, *steps = slope + run.row * width;
        Sums own{0, 0, 0, 0};
        for (std::int64_t x = run.begin; x < run.end; ++x) {
            own.depth += values[x];
            own.slope += steps[x];
            own.deepest = std::max(own.deepest, values[x]);
            own.steepest = std::max(own.steepest, steps[x]);
        }
        sums.push_back(own);
    });
    const auto own_of = [&](std::uint32_t run) { return depth != nullptr ? sums[run] : Sums{0, 0, 0, 0}; };
    std::vector<Piece> table;
    by_piece(
        runs,
        [&](std::uint32_t run) {
            const Run &one = runs[run];
            const Sums own = own_of(run);
            table.push_back({one.end - one.begin, one.begin, one.row, one.end, one.row + 1, own.depth, own.deepest, own.slope, own.steepest});
        },
        [&](std::uint32_t run, std::uint32_t place) {
            const Run &one = runs[run];
            const Sums own = own_of(run);
            Piece &whole = table[place];
            whole.area += one.end - one.begin, whole.depth += own.depth, whole.slope += own.slope;
            whole.left = std::min<std::int64_t>(whole.left, one.begin), whole.right = std::max<std::int64_t>(whole.right, one.end);
            whole.bottom = std::max<std::int64_t>(whole.bottom, one.row + 1), whole.deepest = std::max<std::int64_t>(whole.deepest, own.deepest);
            whole.steepest = std::max<std::int64_t>(whole.steepest, own.steepest);
        });
    return table;
}

std::vector<Peaks> peaks(const std::uint8_t *bits, const float *first, const float *second, const float *third, std::int64_t height, std::int64_t width) {
    std::vector<Run> runs = joined_runs(bits, true, height, width, [](const Run &) {});
    std::vector<Peaks> table;
    const auto add = [&](std::uint32_t run, Peaks &whole) {
        const Run &one = runs[run];
        const std::int64_t row = one.row * width;
        whole.area += one.end - one.begin;
        for (std::int64_t x = row + one.begin; x < row + one.end; ++x) {
            whole.first = std::max<double>(whole.first, first[x]);
            whole.second = std::max<double>(whole.second, second[x]);
            whole.third = std::max<double>(whole.third, third[x]);
        }
    };
    by_piece(
        runs, [&](std::uint32_t run) { add(run, table.emplace_back(Peaks{0, 0, 0, 0})); },
        [&](std::uint32_t run, std::uint32_t place) { add(run, table[place]); });
    return table;
}

void keep_by_cells(std::uint8_t *bits, const Cells &cells, std::int64_t least, std::int64_t height, std::int64_t width) {
    std::vector<std::int64_t> sums;  // of each run the numbers of its pixels' cells, less `least` each
    sums.reserve(1 << 16);
    std::vector<Run> runs = joined_runs(bits, true, height, width, [&](const Run &run) {
        const std::int16_t *row = cells.numbers + run.row / cells.side * cells.wide;
        std::int64_t sum = 0;
        for (std::int64_t x = run.begin; x < run.end;) {
            const std::int64_t cell = x / cells.side, end = std::min<std::int64_t>(run.end, (cell + 1) * cells.side);
            sum += (row[cell] - least) * (end - x);
            x = end;
        }
        sums.push_back(sum);
    });
    for (std::uint32_t run = 0; run < runs.size(); ++run) {
        const std::uint32_t first = runs[run].parent = runs[runs[run].parent].parent;  // a parent stands before its child
        if (first != run) sums[first] += sums[run];
    }
    for (const Run &run : runs)
        if (sums[run.parent] < 0) std::memset(bits + run.row * width + run.begin, 0, static_cast<std::size_t>(run.end - run.begin));
}

}  // namespace docbin::assessment
