// The row loops behind the float networks' view of a page: plain loops, which the compiler turns into the target's vectors.
#pragma once
#include <math.h>

#include "local/cell_planes.hpp"

namespace docbin::planes {
namespace {

using i64 = std::int64_t;

void luma(const std::uint8_t *__restrict row, int channels, i64 n, std::int32_t *__restrict even, std::int32_t *__restrict odd) {
    if (channels == 1) {
        for (i64 x = 0; x < n; ++x) even[x] = 1000 * row[2 * x], odd[x] = 1000 * row[2 * x + 1];
    } else {
        for (i64 x = 0; x < n; ++x) {
            even[x] = 299 * row[6 * x] + 587 * row[6 * x + 1] + 114 * row[6 * x + 2];
            odd[x] = 299 * row[6 * x + 3] + 587 * row[6 * x + 4] + 114 * row[6 * x + 5];
        }
    }
}

void levels(const std::uint8_t *__restrict row, int channels, i64 n, float *__restrict even, float *__restrict odd) {
    if (channels == 1) {
        for (i64 x = 0; x < n; ++x) even[x] = row[2 * x], odd[x] = row[2 * x + 1];
    } else {
        for (i64 x = 0; x < n; ++x) even[x] = row[6 * x], odd[x] = row[6 * x + 3];
    }
}

void sums(const std::int32_t *const *pixels, i64 n, std::uint64_t *__restrict sum, std::uint64_t *__restrict square) {
    const std::int32_t *__restrict a = pixels[0], *__restrict b = pixels[1], *__restrict c = pixels[2], *__restrict d = pixels[3];
    for (i64 x = 0; x < n; ++x) {
        const std::uint64_t p = static_cast<std::uint32_t>(a[x]), q = static_cast<std::uint32_t>(b[x]), r = static_cast<std::uint32_t>(c[x]),
                            s = static_cast<std::uint32_t>(d[x]);
        sum[x] = p + q + r + s;
        square[x] = p * p + q * q + r * r + s * s;
    }
}

void moments(const std::uint64_t *const *all_sums, const std::uint64_t *const *all_squares, int window, const std::int32_t *__restrict columns, int rows,
             float floor, i64 n, float *__restrict mean, float *__restrict spread) {
    const std::uint64_t *__restrict top = all_sums[0], *__restrict bottom = all_sums[1];
    const std::uint64_t *__restrict top2 = all_squares[0], *__restrict bottom2 = all_squares[1];
    for (i64 x = 0; x < n; ++x) {
        const auto sum = static_cast<i64>(bottom[x + window] - bottom[x] - top[x + window] + top[x]);
        const auto square = static_cast<i64>(bottom2[x + window] - bottom2[x] - top2[x + window] + top2[x]);
        const double count = static_cast<double>(4 * rows * columns[x]);
        const double m = static_cast<double>(sum) / count;
        const double v = static_cast<double>(square) / count - m * m;
        mean[x] = static_cast<float>(m);
        spread[x] = sqrtf(static_cast<float>(v > 0.0 ? v : 0.0)) + floor;
    }
}

void scores(const std::int32_t *__restrict pixels, const float *__restrict mean, const float *__restrict spread, float limit, i64 n, float *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        const float z = (static_cast<float>(pixels[x]) - mean[x]) / spread[x], risen = z > -limit ? z : -limit;
        out[x] = risen < limit ? risen : limit;
    }
}

void greys(const std::int32_t *__restrict pixels, i64 n, float *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = static_cast<float>(pixels[x] - 128000) / 1000.0f;
}

constexpr Kernels table{luma, levels, sums, moments, scores, greys};

}  // namespace
}  // namespace docbin::planes
