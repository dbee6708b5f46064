// The body of the stem, compiled once a level: plain loops over a row, which the compiler turns into that level's vectors.
// Include it inside a unit's own namespace.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "stem.hpp"

namespace {

using docbin::stem::Job;

// Sum and sum of squares of each cell of cell row `y`.
inline void cell_row(const Job &job, int y, std::uint32_t *sum, std::uint32_t *square) {
    const std::int64_t pitch = 2 * static_cast<std::int64_t>(job.cells_wide);
    const std::uint8_t *upper = job.page + 2 * static_cast<std::int64_t>(y) * pitch, *lower = upper + pitch;
    for (int x = 0; x < job.cells_wide; ++x) {
        const std::uint32_t a = upper[2 * x], b = upper[2 * x + 1], c = lower[2 * x], d = lower[2 * x + 1];
        sum[x] = a + b + c + d;
        square[x] = a * a + b * b + c * c + d * d;
    }
}

struct Columns {
    std::vector<std::uint32_t> sum, square;
    explicit Columns(int width) : sum(width), square(width) {}

    template <bool Add>
    void shift(const std::uint32_t *s, const std::uint32_t *q) {
        const int n = static_cast<int>(sum.size());
        for (int x = 0; x < n; ++x) sum[x] = Add ? sum[x] + s[x] : sum[x] - s[x];
        for (int x = 0; x < n; ++x) square[x] = Add ? square[x] + q[x] : square[x] - q[x];
    }
};

// Sets bit `bit` of every word where the pixel reaches the threshold.
inline void compare(const std::int32_t *pixel, const std::int32_t *least, std::uint32_t bit, std::uint32_t *word, int n) {
    for (int x = 0; x < n; ++x) word[x] |= pixel[x] >= least[x] ? bit : 0u;
}

// The smallest whole grey level that reaches the threshold, 0..256.
inline void least_grey(const float *mean, const float *spread, float theta, std::int32_t *least, int n) {
    for (int x = 0; x < n; ++x) {
        const float threshold = mean[x] + theta * spread[x];
        const float clamped = std::min(std::max(threshold, 0.0f), 256.0f);
        const std::int32_t whole = static_cast<std::int32_t>(clamped);
        least[x] = whole + (static_cast<float>(whole) < clamped ? 1 : 0);
    }
}

void run(const Job &job) {
    const int wide = job.cells_wide, high = job.cells_high, n = job.width;
    const int channels = 4 * (job.window_count * job.thetas + job.greys), halves = channels / 32;
    std::vector<std::uint32_t> row_sum(wide), row_square(wide), prefix_sum(wide + 1), prefix_square(wide + 1);
    std::vector<std::uint32_t> words(static_cast<std::size_t>(halves) * n);
    std::vector<std::int32_t> pixels[4], least(n);
    for (auto &p : pixels) p.resize(n);
    std::vector<float> mean(n), spread(n);

    // One set of column sums a window: they slide down together, so that the page is read while it is in cache.
    std::vector<Columns> columns(job.window_count, Columns(wide));
    for (int w = 0; w < job.window_count; ++w) {
        const int half = job.windows[w] / 2;
        for (int y = std::max(0, job.top - half); y <= std::min(high - 1, job.top + half); ++y) {
            cell_row(job, y, row_sum.data(), row_square.data());
            columns[w].shift<true>(row_sum.data(), row_square.data());
        }
    }
    for (int row = 0; row < job.height; ++row) {
        const int y = job.top + row;
        std::fill(words.begin(), words.end(), 0u);
        const std::uint8_t *upper = job.page + 4 * static_cast<std::int64_t>(y) * wide + 2 * job.left, *lower = upper + 2 * wide;
        for (int x = 0; x < n; ++x) {
            pixels[0][x] = upper[2 * x], pixels[1][x] = upper[2 * x + 1];
            pixels[2][x] = lower[2 * x], pixels[3][x] = lower[2 * x + 1];
        }
        int channel = 0;
        for (int w = 0; w < job.window_count; ++w) {
            const int half = job.windows[w] / 2;
            if (row > 0) {
                if (y - half - 1 >= 0) {
                    cell_row(job, y - half - 1, row_sum.data(), row_square.data());
                    columns[w].shift<false>(row_sum.data(), row_square.data());
                }
                if (y + half < high) {
                    cell_row(job, y + half, row_sum.data(), row_square.data());
                    columns[w].shift<true>(row_sum.data(), row_square.data());
                }
            }
            std::uint32_t sum = 0, square = 0;
            for (int x = 0; x < wide; ++x) {
                prefix_sum[x] = sum, prefix_square[x] = square;
                sum += columns[w].sum[x], square += columns[w].square[x];
            }
            prefix_sum[wide] = sum, prefix_square[wide] = square;
            const int rows = std::min(high - 1, y + half) - std::max(0, y - half) + 1;
            const auto moments = [&](int x, int from, int to) {
                const float count = static_cast<float>(4 * rows * (to - from));
                const float s = static_cast<float>(static_cast<std::int32_t>(prefix_sum[to] - prefix_sum[from]));
                const float q = static_cast<float>(static_cast<std::int32_t>(prefix_square[to] - prefix_square[from]));
                const float m = s / count, v = q / count - m * m;
                mean[x] = m;
                spread[x] = std::sqrt(v > 0.0f ? v : 0.0f) + job.floor;
            };
            // The middle of the page has whole windows, which keeps its loop free of clamping.
            const int first = std::clamp(half - job.left, 0, n), last = std::clamp(wide - half - job.left, first, n);
            for (int x = 0; x < first; ++x) moments(x, std::max(0, job.left + x - half), std::min(wide, job.left + x + half + 1));
            for (int x = first; x < last; ++x) moments(x, job.left + x - half, job.left + x + half + 1);
            for (int x = last; x < n; ++x) moments(x, std::max(0, job.left + x - half), std::min(wide, job.left + x + half + 1));
            for (int k = 0; k < job.thetas; ++k) {
                least_grey(mean.data(), spread.data(), job.theta[w * job.thetas + k], least.data(), n);
                for (int p = 0; p < 4; ++p, ++channel)
                    compare(pixels[p].data(), least.data(), 1u << (channel % 32), words.data() + static_cast<std::size_t>(channel / 32) * n, n);
            }
        }
        for (int k = 0; k < job.greys; ++k) {
            const float clamped = std::min(std::max(job.grey[k], 0.0f), 256.0f);
            std::fill(least.begin(), least.end(), static_cast<std::int32_t>(std::ceil(clamped)));
            for (int p = 0; p < 4; ++p, ++channel)
                compare(pixels[p].data(), least.data(), 1u << (channel % 32), words.data() + static_cast<std::size_t>(channel / 32) * n, n);
        }
        for (int h = 0; h < halves; h += 2) {
            const std::uint32_t *low = words.data() + static_cast<std::size_t>(h) * n, *up = low + n;
            std::uint64_t *out = job.out + (static_cast<std::int64_t>(h / 2) * job.height + row) * n;
            for (int x = 0; x < n; ++x) out[x] = low[x] | static_cast<std::uint64_t>(up[x]) << 32;
        }
    }
}

}  // namespace
