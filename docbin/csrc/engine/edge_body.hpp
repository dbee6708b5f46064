// The edge step's row loops; its sums are of the target's isa::ByteProducts.
#pragma once
#include "engine/edge.hpp"

namespace docbin::edge {
namespace {

using i64 = std::int64_t;
using i32 = std::int32_t;

void sums(const i32 *const *rows, int quads, i64 pitch, const Taps &taps, i64 n, i32 *out) {
    using P = isa::ByteProducts;
    constexpr int across = P::across, lanes = P::lanes, step = P::step;
    const i32 *of_filters = step == 1 ? taps.words : taps.pairs;
    for (int first = 0; first < taps.outs; first += 4, of_filters += 36 * step * quads) {
        for (i64 x = 0; x < n; x += across * lanes) {
            P::Sum sum[4][across];
            for (int o = 0; o < 4; ++o)
                for (auto &one : sum[o]) one = P::from(taps.start[first + o]);
            const i32 *weight = of_filters;
            for (int row = 0; row < 3; ++row)
                for (int column = 0; column < 3; ++column) {
                    const i32 *words = rows[row] + x + column;
                    for (int quad = 0; quad < quads; ++quad, words += pitch, weight += 4 * step)
                        for (int k = 0; k < across; ++k)
                            for (int o = 0; o < 4; ++o) sum[o][k] = P::add(sum[o][k], words + k * lanes, weight + o * step);
                }
            for (int o = 0; o < 4; ++o)
                for (int k = 0; k < across; ++k) P::store(out + (first + o) * n + x + k * lanes, sum[o][k]);
        }
    }
}

// To the nearest whole number, ties to even, of numbers within +-2^21: adding 1.5 * 2^23 leaves no room for a fraction.
inline float nearest(float value) {
    const float shifted = value + 12582912.0f;
    return shifted - 12582912.0f;
}

inline float within(float value, float low, float high) {
    const float risen = value > low ? value : low;
    return risen < high ? risen : high;
}

void hidden(const i32 *__restrict sums, const float *factor, const float *offset, i64 n, i32 *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        i32 word = 0;
        for (int k = 0; k < 4; ++k) {
            const float scaled = static_cast<float>(sums[k * n + x]) * factor[k];
            word |= static_cast<i32>(nearest(within(scaled + offset[k], 0.0f, 127.0f))) << (8 * k);
        }
        out[x] = word;
    }
}

void logits(const i32 *__restrict sums, const std::int8_t *__restrict quantized, float factor, float offset, i64 n, float *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        const float scaled = static_cast<float>(sums[x]) * factor, drawn = scaled + offset;
        out[x] = static_cast<float>(quantized[x]) * (1.0f / logit_unit) + drawn;
    }
}

void quantize(const float *__restrict logits, i64 n, std::int8_t *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = static_cast<std::int8_t>(nearest(within(logit_unit * logits[x], -127.0f, 127.0f)));
}

void join(const std::int16_t *const *channels, i64 n, i32 *__restrict out) {
    const std::int16_t *__restrict c0 = channels[0], *__restrict c1 = channels[1], *__restrict c2 = channels[2], *__restrict c3 = channels[3];
    for (i64 x = 0; x < n; ++x) {
        const auto low = static_cast<std::uint32_t>((c0[x] + 128) | (c1[x] + 128) << 8), high = static_cast<std::uint32_t>((c2[x] + 128) | (c3[x] + 128) << 8);
        out[x] = static_cast<i32>(low | high << 16);
    }
}

void widen(const std::int8_t *__restrict from, i64 n, std::int16_t *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = from[x];
}

constexpr Kernels table{sums, hidden, logits, quantize, join, widen};

}  // namespace
}  // namespace docbin::edge
