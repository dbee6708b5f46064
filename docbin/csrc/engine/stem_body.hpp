// The stem's row loops: plain loops, which the compiler turns into the target's vectors, and the comparisons of its isa::Pixels.
#pragma once
#include <math.h>

#include "engine/stem.hpp"

namespace docbin::stem {
namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;

void split(const std::uint8_t *__restrict row, i64 n, std::int16_t *__restrict even, std::int16_t *__restrict odd) {
    for (i64 x = 0; x < n; ++x) even[x] = row[2 * x], odd[x] = row[2 * x + 1];
}

void cells(const std::int16_t *const *pixels, i64 n, std::uint32_t *__restrict sum, std::uint32_t *__restrict square) {
    const std::int16_t *__restrict a = pixels[0], *__restrict b = pixels[1], *__restrict c = pixels[2], *__restrict d = pixels[3];
    for (i64 x = 0; x < n; ++x) {
        const std::int32_t p = a[x], q = b[x], r = c[x], s = d[x];
        sum[x] = static_cast<std::uint32_t>(p + q + r + s);
        square[x] = static_cast<std::uint32_t>(p * p + q * q + r * r + s * s);
    }
}

void moments(const std::uint32_t *const *sums, const std::uint32_t *const *squares, int window, const std::int32_t *__restrict columns, int rows, float floor,
             i64 n, float *__restrict mean, float *__restrict spread) {
    const std::uint32_t *__restrict top = sums[0], *__restrict bottom = sums[1], *__restrict top2 = squares[0], *__restrict bottom2 = squares[1];
    for (i64 x = 0; x < n; ++x) {
        const std::uint32_t sum = bottom[x + window] - bottom[x] - top[x + window] + top[x];
        const std::uint32_t square = bottom2[x + window] - bottom2[x] - top2[x + window] + top2[x];
        const float count = static_cast<float>(4 * rows * columns[x]);
        const float m = static_cast<float>(static_cast<std::int32_t>(sum)) / count;
        const float v = static_cast<float>(static_cast<std::int32_t>(square)) / count - m * m;
        mean[x] = m;
        spread[x] = sqrtf(v > 0.0f ? v : 0.0f) + floor;
    }
}

void least(const float *__restrict mean, const float *__restrict spread, float theta, i64 n, std::int16_t *__restrict to) {
    for (i64 x = 0; x < n; ++x) {
        const float threshold = mean[x] + theta * spread[x];
        const float positive = threshold > 0.0f ? threshold : 0.0f, clamped = positive < 256.0f ? positive : 256.0f;
        const std::int32_t whole = static_cast<std::int32_t>(clamped);
        to[x] = static_cast<std::int16_t>(whole + (static_cast<float>(whole) < clamped ? 1 : 0));
    }
}

void scores(const std::int16_t *__restrict pixels, const float *__restrict mean, const float *__restrict spread, i64 n, std::int16_t *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        const float quotient = (static_cast<float>(pixels[x]) - mean[x]) / spread[x], scaled = 32.0f * quotient;
        const float risen = scaled > -127.0f ? scaled : -127.0f, within = risen < 127.0f ? risen : 127.0f;
        const float shifted = within + 12582912.0f;  // 1.5 * 2^23 leaves no room for a fraction
        out[x] = static_cast<std::int16_t>(shifted - 12582912.0f);
    }
}

void compare(const std::int16_t *pixels, const std::int16_t *least, const u64 *valid, i64 words, u64 *out) {
    for (i64 k = 0; k < words; ++k) out[k] = isa::Pixels::at_least(pixels + 64 * k, least + 64 * k) & valid[k];
}

void compare_level(const std::int16_t *pixels, std::int16_t level, const u64 *valid, i64 words, u64 *out) {
    for (i64 k = 0; k < words; ++k) out[k] = isa::Pixels::at_least(pixels + 64 * k, level) & valid[k];
}

constexpr Kernels table{split, cells, moments, least, compare, compare_level, scores};

}  // namespace
}  // namespace docbin::stem
