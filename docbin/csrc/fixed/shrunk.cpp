#include "fixed/shrunk.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "parallel.hpp"

namespace docbin::fixed {
namespace {

using i64 = std::int64_t;

constexpr int shrink = 4;
constexpr std::int16_t middle = 4080;

// One row of cells of rows[4] of the page, all inside it; plain loops, for the compiler's vectors.
template <int channels> void row_of(const std::uint8_t *const *page, const std::uint8_t *const *grey, i64 cells, std::uint16_t *sums, std::uint8_t *least, std::int16_t *out) {
    const i64 n = cells * shrink;
    for (i64 x = 0; x < n * channels; ++x) sums[x] = static_cast<std::uint16_t>(page[0][x] + page[1][x] + page[2][x] + page[3][x]);
    for (i64 x = 0; x < n; ++x) least[x] = std::min(std::min(grey[0][x], grey[1][x]), std::min(grey[2][x], grey[3][x]));
    for (i64 cell = 0; cell < cells; ++cell) {
        const std::uint16_t *sum = sums + cell * shrink * channels;
        const std::uint8_t *dark = least + cell * shrink;
        for (int c = 0; c < 3; ++c) {
            const int at = channels == 3 ? c : 0;
            const int all = sum[at] + sum[at + channels] + sum[at + 2 * channels] + sum[at + 3 * channels];
            out[4 * cell + c] = static_cast<std::int16_t>(2 * all - middle);
        }
        out[4 * cell + 3] = static_cast<std::int16_t>(32 * std::min(std::min(dark[0], dark[1]), std::min(dark[2], dark[3])) - middle);
    }
}

}  // namespace

void shrunk(const Pixels &pixels, i64 high, i64 wide, std::int16_t *out, int threads) {
    const i64 cells = (pixels.width + shrink - 1) / shrink, rows = (pixels.height + shrink - 1) / shrink, whole = cells * shrink;
    const int channels = pixels.channels, parts = static_cast<int>(std::clamp<i64>(rows / 16, 1, threads));
    in_parallel(parts, [&](int part) {
        std::vector<std::uint16_t> sums(static_cast<std::size_t>(whole * channels));
        std::vector<std::uint8_t> least(static_cast<std::size_t>(whole));
        // Rows whose width is no multiple of four are continued by their last pixel.
        const bool cut = whole != pixels.width;
        std::vector<std::uint8_t> continued(cut ? static_cast<std::size_t>(shrink * whole * (channels + 1)) : 0);
        for (i64 y = rows * part / parts, end = rows * (part + 1) / parts; y < end; ++y) {
            const std::uint8_t *page[shrink], *grey[shrink];
            for (int k = 0; k < shrink; ++k) {
                const i64 at = std::min(shrink * y + k, pixels.height - 1);
                page[k] = pixels.page + at * pixels.width * channels, grey[k] = pixels.grey + at * pixels.width;
                if (!cut) continue;
                std::uint8_t *to = continued.data() + k * whole * (channels + 1);
                const auto copy = [&](const std::uint8_t *from, int n) {
                    std::memcpy(to, from, static_cast<std::size_t>(pixels.width * n));
                    for (i64 x = pixels.width; x < whole; ++x) std::memcpy(to + x * n, from + (pixels.width - 1) * n, static_cast<std::size_t>(n));
                    const std::uint8_t *const made = to;
                    to += whole * n;
                    return made;
                };
                page[k] = copy(page[k], channels), grey[k] = copy(grey[k], 1);
            }
            std::int16_t *const row = out + y * wide * 4;
            (channels == 3 ? row_of<3> : row_of<1>)(page, grey, cells, sums.data(), least.data(), row);
            for (i64 x = cells; x < wide; ++x) std::copy_n(row + 4 * (cells - 1), 4, row + 4 * x);
        }
    });
    for (i64 y = rows; y < high; ++y) std::copy_n(out + (rows - 1) * wide * 4, wide * 4, out + y * wide * 4);
}

}  // namespace docbin::fixed
