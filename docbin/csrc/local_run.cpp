#include "local_run.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "share.hpp"

namespace docbin {

std::size_t local_scratch(const LocalPage &page) {
    const std::size_t width = page.width;
    const std::size_t entries = (width + 2 * page.radius_x + 1 + 2 * local_slack + 15) / 16 * 16;  // as Rows::row_length
    return 2 * entries * (page.wide ? 8 + 4 : 4) + (width + local_slack) * (4 + 4 + 1);
}

std::size_t extreme_scratch(const LocalPage &page) {
    const std::size_t rows = std::min<std::size_t>(2 * static_cast<std::size_t>(page.radius_y) + 1, page.height);
    const std::size_t down = (rows + 1) * extreme_strip;
    const std::size_t along = 2 * (static_cast<std::size_t>(page.width) + 2 * page.radius_x + local_slack);
    return std::max(down, along);
}

LocalPage local_page(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t window) {
    // 2^30 a side keeps every int sum of a coordinate and a cut radius below 2^31.
    if (height < 1 || width < 1 || height > (1 << 30) || width > (1 << 29)) throw std::invalid_argument("page: 1 to 2^29 pixels a side are wanted");
    if (window < 1 || window % 2 == 0) throw std::invalid_argument("window: an odd number of at least 1 is wanted");
    LocalPage page;
    page.grey = grey;
    page.width = static_cast<int>(width);
    page.height = static_cast<int>(height);
    page.radius_x = static_cast<int>(std::min(window / 2, width - 1));
    page.radius_y = static_cast<int>(std::min(window / 2, height - 1));
    page.wide = std::min(window, height) * std::min(window, width) > 131071;
    return page;
}

namespace {

struct Release {
    void operator()(void *memory) const { ::operator delete(memory, std::align_val_t{64}); }
};

// Calls work(first, last, scratch) for `threads` even parts of 0 .. count, each a multiple of `grain` long, each with its own scratch memory.
template <class Work>
void in_bands(int count, int grain, int threads, std::size_t scratch, Work work) {
    const int parts = std::clamp((count + grain - 1) / grain, 1, std::max(threads, 1));
    share(parts, [&](int part) {
        const auto edge = [&](int i) {
            return std::min<std::int64_t>(count, (static_cast<std::int64_t>(count) * i / parts + grain - 1) / grain * grain);
        };
        std::unique_ptr<void, Release> memory(::operator new(scratch, std::align_val_t{64}));
        const int first = part == 0 ? 0 : static_cast<int>(edge(part)), last = part + 1 == parts ? count : static_cast<int>(edge(part + 1));
        if (first < last) work(first, last, memory.get(), part);
    });
}

}  // namespace

// A band starts by adding up its first window's rows, so bands are no shorter than that.
static int band_rows(const LocalPage &page) { return std::max(32, page.radius_y); }

void local_threshold(const LocalUnit &unit, const LocalPage &page, LocalThreshold threshold, const LocalOut &out, int threads) {
    if (threshold.formula == Formula::wolf) {
        const LocalSpread found = local_spread(unit, page, threads);
        threshold.darkest = found.darkest;
        threshold.spread = std::sqrt(found.variance);
    }
    in_bands(page.height, band_rows(page), threads, local_scratch(page),
             [&](int first, int last, void *scratch, int) { unit.threshold(page, threshold, out, first, last, scratch); });
}

void local_moments(const LocalUnit &unit, const LocalPage &page, const LocalOut &out, int threads) {
    in_bands(page.height, band_rows(page), threads, local_scratch(page),
             [&](int first, int last, void *scratch, int) { unit.moments(page, out, first, last, scratch); });
}

LocalSpread local_spread(const LocalUnit &unit, const LocalPage &page, int threads) {
    std::vector<LocalSpread> parts(std::max(threads, 1));
    in_bands(page.height, band_rows(page), threads, local_scratch(page),
             [&](int first, int last, void *scratch, int part) { unit.spread(page, parts[part], first, last, scratch); });
    LocalSpread all;
    for (const LocalSpread &part : parts) {
        all.variance = std::max(all.variance, part.variance);
        all.darkest = std::min(all.darkest, part.darkest);
    }
    return all;
}

void local_extreme(const LocalUnit &unit, const LocalPage &page, bool largest, std::uint8_t *out, int threads) {
    const std::size_t scratch = extreme_scratch(page);
    in_bands(page.width, extreme_strip, threads, scratch,
             [&](int first, int last, void *memory, int) { unit.extreme_columns(page, largest, out, first, last, memory); });
    in_bands(page.height, 32, threads, scratch, [&](int first, int last, void *memory, int) { unit.extreme_rows(page, largest, out, first, last, memory); });
}

}  // namespace docbin
