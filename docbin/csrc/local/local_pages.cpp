#include "local/local_pages.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "parallel.hpp"

namespace docbin::local {

std::size_t scratch_bytes(const Page &page) {
    const std::size_t width = page.width;
    const std::size_t entries = (width + 2 * page.radius_x + 1 + 2 * slack + 15) / 16 * 16;  // as Rows::row_length
    return 2 * entries * (page.wide ? 8 + 4 : 4) + (width + slack) * (4 + 4 + 1);
}

std::size_t extreme_scratch_bytes(const Page &page) { return 2 * extreme_bytes(page); }

Page page_of(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t window) {
    // 2^30 a side keeps every int sum of a coordinate and a cut radius below 2^31.
    if (height < 1 || width < 1 || height > (1 << 30) || width > (1 << 29)) throw std::invalid_argument("page: 1 to 2^29 pixels a side are wanted");
    if (window < 1 || window % 2 == 0) throw std::invalid_argument("window: an odd number of at least 1 is wanted");
    Page page;
    page.grey = grey;
    page.width = static_cast<int>(width);
    page.height = static_cast<int>(height);
    page.radius_x = static_cast<int>(std::min(window / 2, width - 1));
    page.radius_y = static_cast<int>(std::min(window / 2, height - 1));
    page.wide = std::min(window, height) * std::min(window, width) > 131071;
    // Both extremes' tails of a strip in half a megabyte, so that the second-level cache holds them; but no strip narrower than what it sees to its sides.
    const std::int64_t rows = std::min(window, height), fits = (std::int64_t{1} << 18) / rows - 2 * page.radius_x;
    const std::int64_t most = std::clamp<std::int64_t>(std::max<std::int64_t>({fits, 2 * page.radius_x, 256}), 1, width), strips = (width + most - 1) / most;
    page.strip = static_cast<int>((width + strips - 1) / strips);
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
    in_parallel(parts, [&](int part) {
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
static int band_rows(const Page &page) { return std::max(32, page.radius_y); }

void threshold_page(const Kernels &kernels, const Page &page, Threshold threshold, const Out &out, int threads) {
    if (threshold.formula == Formula::wolf) {
        const Spread found = spread_of_page(kernels, page, threads);
        threshold.darkest = found.darkest;
        threshold.spread = std::sqrt(found.variance);
    }
    in_bands(page.height, band_rows(page), threads, scratch_bytes(page),
             [&](int first, int last, void *scratch, int) { kernels.threshold(page, threshold, out, first, last, scratch); });
}

void moments_of_page(const Kernels &kernels, const Page &page, const Out &out, int threads) {
    in_bands(page.height, band_rows(page), threads, scratch_bytes(page),
             [&](int first, int last, void *scratch, int) { kernels.moments(page, out, first, last, scratch); });
}

Spread spread_of_page(const Kernels &kernels, const Page &page, int threads) {
    std::vector<Spread> parts(std::max(threads, 1));
    in_bands(page.height, band_rows(page), threads, scratch_bytes(page),
             [&](int first, int last, void *scratch, int part) { kernels.spread(page, parts[part], first, last, scratch); });
    Spread all;
    for (const Spread &part : parts) {
        all.variance = std::max(all.variance, part.variance);
        all.darkest = std::min(all.darkest, part.darkest);
    }
    return all;
}

void extreme_of_page(const Kernels &kernels, const Page &page, bool largest, std::uint8_t *out, int threads) {
    in_bands(page.height, band_rows(page), threads, extreme_scratch_bytes(page),
             [&](int first, int last, void *memory, int) { kernels.extreme(page, largest, out, first, last, memory); });
}

void bernsen_page(const Kernels &kernels, const Page &page, std::uint8_t contrast, std::uint8_t flat, std::uint8_t *out, int threads) {
    in_bands(page.height, band_rows(page), threads, extreme_scratch_bytes(page),
             [&](int first, int last, void *memory, int) { kernels.bernsen(page, contrast, flat, out, first, last, memory); });
}

}  // namespace docbin::local
