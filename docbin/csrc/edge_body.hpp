// The edge step's row loops, compiled once a level. A unit first brings Sum, `lanes` sums of one filter over as many cells: zero(), add(sum, words, weight)
// and store(); and `across`, how many of them are held at a time. No standard library in here, see lines_body.hpp.
#include "edge.hpp"

namespace {

using i64 = std::int64_t;
using i32 = std::int32_t;

void sums(const i32 *const *rows, int pairs, i64 pitch, const i32 *weights, int outs, i64 n, i32 *out) {
    for (int first = 0; first < outs; first += 4, weights += 36 * pairs) {
        for (i64 x = 0; x < n; x += across * lanes) {
            Sum sum[4][across];
            for (auto &of_filter : sum)
                for (auto &one : of_filter) one = zero();
            const i32 *weight = weights;
            for (int row = 0; row < 3; ++row)
                for (int column = 0; column < 3; ++column) {
                    const i32 *words = rows[row] + x + column;
                    for (int pair = 0; pair < pairs; ++pair, words += pitch, weight += 4)
                        for (int k = 0; k < across; ++k)
                            for (int o = 0; o < 4; ++o) sum[o][k] = add(sum[o][k], words + k * lanes, weight[o]);
                }
            for (int o = 0; o < 4; ++o)
                for (int k = 0; k < across; ++k) store(out + (first + o) * n + x + k * lanes, sum[o][k]);
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

void hidden(const i32 *__restrict even, const i32 *__restrict odd, const float *factor, const float *offset, i64 n, i32 *__restrict out) {
    const float factor0 = factor[0], factor1 = factor[1], offset0 = offset[0], offset1 = offset[1];
    for (i64 x = 0; x < n; ++x) {
        const float scaled0 = static_cast<float>(even[x]) * factor0, scaled1 = static_cast<float>(odd[x]) * factor1;
        const i32 low = static_cast<i32>(nearest(within(scaled0 + offset0, 0.0f, 127.0f)));
        const i32 high = static_cast<i32>(nearest(within(scaled1 + offset1, 0.0f, 127.0f)));
        out[x] = low | high << 16;
    }
}

void logits(const i32 *__restrict sums, const std::int8_t *__restrict told, float factor, float offset, i64 n, float *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        const float scaled = static_cast<float>(sums[x]) * factor, drawn = scaled + offset;
        out[x] = static_cast<float>(told[x]) * (1.0f / docbin::edge::logit_unit) + drawn;
    }
}

void tell(const float *__restrict logits, i64 n, std::int8_t *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = static_cast<std::int8_t>(nearest(within(docbin::edge::logit_unit * logits[x], -127.0f, 127.0f)));
}

void join(const std::int16_t *__restrict even, const std::int16_t *__restrict odd, i64 n, i32 *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = static_cast<i32>(static_cast<std::uint16_t>(even[x])) | static_cast<i32>(static_cast<std::uint32_t>(odd[x]) << 16);
}

void widen(const std::int8_t *__restrict from, i64 n, std::int16_t *__restrict out) {
    for (i64 x = 0; x < n; ++x) out[x] = from[x];
}

}  // namespace
