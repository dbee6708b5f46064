// The choice's row loops: plain loops, which the compiler turns into the target's vectors.
#pragma once
#include <cstring>

#include "engine/choice.hpp"

namespace docbin::choice {
namespace {

using i64 = std::int64_t;
using i32 = std::int32_t;
using i16 = std::int16_t;

constexpr double per_ln2 = 1.44269504088896340736;
constexpr float said_unit = 1.0f / 2048.0f;

void quantize(const float *__restrict head, i64 n, i16 *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        const float scaled = 128.0f * head[x];
        const float risen = scaled > -2047.0f ? scaled : -2047.0f, within = risen < 2047.0f ? risen : 2047.0f;
        const float shifted = within + 12582912.0f;  // 1.5 * 2^23 leaves no room for a fraction
        out[x] = static_cast<i16>(shifted - 12582912.0f);
    }
}

void between(const i16 *__restrict near, const i16 *__restrict far, i64 n, i16 *__restrict line) {
    for (i64 x = 0; x < n; ++x) line[x] = static_cast<i16>(3 * near[x] + far[x]);
}

void twice(const i16 *__restrict line, i64 n, i16 *__restrict out) {
    for (i64 x = 0; x < n; ++x) {
        out[2 * x] = static_cast<i16>(3 * line[x] + line[x - 1]);
        out[2 * x + 1] = static_cast<i16>(3 * line[x] + line[x + 1]);
    }
}

// 2^x for -126 < x <= 0, to three millionths.
inline float power(float x) {
    const i32 whole = static_cast<i32>(x);
    const float t = x - static_cast<float>(whole);
    float value = 0.006831894163042307f;
    value = value * t + 0.05322357639670372f;
    value = value * t + 0.23945674300193787f;
    value = value * t + 0.6930635571479797f;
    value = value * t + 1.0f;
    const i32 exponent = static_cast<i32>(static_cast<std::uint32_t>(whole + 127) << 23);
    float scale;
    std::memcpy(&scale, &exponent, sizeof scale);
    return value * scale;
}

inline float tangent(float x) {  // hyperbolic
    const float size = x < 0.0f ? -x : x, z = power(size * static_cast<float>(-2 * per_ln2)), found = (1.0f - z) / (1.0f + z);
    return x < 0.0f ? -found : found;
}

void lines(const Seen &seen, const Numbers &numbers, i64 n, i32 *const *out) {
    const int options = 2 * numbers.windows + numbers.page;
    const float base = numbers.base, slant = numbers.slant, sharpness = numbers.sharpness;
    for (i64 at = 0; at < n; at += block) {
        i16 most[block];
        float total[block], local[block], threshold[block], share[block];
        const auto said = [&](int output) { return seen.said[output] + at; };
        std::memcpy(most, said(0), sizeof most);
        for (int option = 1; option < options; ++option) {
            const i16 *__restrict other = said(option);
            for (i64 x = 0; x < block; ++x) most[x] = most[x] > other[x] ? most[x] : other[x];
        }
        // The share of an option, but for their sum.
        const auto take = [&](int option) {
            const i16 *__restrict one = said(option);
            for (i64 x = 0; x < block; ++x) {
                share[x] = power((static_cast<float>(one[x]) - static_cast<float>(most[x])) * static_cast<float>(per_ln2 / 2048));
                total[x] = option ? total[x] + share[x] : share[x];
            }
        };
        for (i64 x = 0; x < block; ++x) local[x] = threshold[x] = 0.0f;
        for (int window = 0; window < numbers.windows; ++window) {
            float of_mean[block];
            take(2 * window);
            std::memcpy(of_mean, share, sizeof share);
            take(2 * window + 1);
            const float *__restrict mean = seen.mean[window] + at, *__restrict deviation = seen.deviation[window] + at;
            for (i64 x = 0; x < block; ++x) {
                local[x] = local[x] + (of_mean[x] + share[x]);
                const float slanted = slant * deviation[x], of_sauvola = share[x] * (base + slanted);
                const float sum = mean[x] * (of_mean[x] + of_sauvola);
                threshold[x] = threshold[x] + sum;
            }
        }
        if (numbers.page) take(options - 1);
        const i16 *__restrict offset = said(options), *__restrict sharper = said(options + 1), *__restrict open = said(options + 2);
        const float *__restrict spread = seen.spread + at;
        i32 *__restrict slopes = out[slope_part] + at, *__restrict levels = out[level_part] + at, *__restrict gates = out[gate_part] + at;
        for (i64 x = 0; x < block; ++x) {
            const float exponent = static_cast<float>(1.5 * per_ln2) * (tangent(said_unit * static_cast<float>(sharper[x])) - 1.0f);
            const float sharp = sharpness * power(exponent), share_of = sharp / total[x], of_grey = share_of / spread[x];
            const float aside = sharp * tangent(said_unit * static_cast<float>(offset[x])), blend = of_grey * threshold[x];
            slopes[x] = static_cast<i32>(32768.0f * (of_grey * local[x]));
            levels[x] = static_cast<i32>(32768.0f * (blend + aside));
            gates[x] = 65536 + 64 * open[x];
            total[x] = share_of;
        }
        if (!numbers.page) continue;
        i32 *__restrict pages = out[page_part] + at;
        for (i64 x = 0; x < block; ++x) pages[x] = static_cast<i32>(32768.0f * (total[x] * share[x] * (1.0f / 32.0f)));
    }
}

void between_lines(const i32 *__restrict near, const i32 *__restrict far, i64 n, i32 *__restrict line) {
    for (i64 x = 0; x < n; ++x) line[x] = 3 * near[x] + far[x];
}

void decide(const i32 *const *line, i64 side, const i16 *__restrict grey, const i16 *__restrict depth, i64 n, float *__restrict out) {
    const i32 *__restrict slopes = line[slope_part], *__restrict levels = line[level_part];
    const i32 *__restrict gates = line[gate_part], *__restrict pages = line[page_part];
    const auto logit = [=](i64 x, i32 darker) {
        const i32 open = 3 * gates[x] + gates[x + side], least = darker < open ? darker : open;
        return static_cast<float>(least) * (1.0f / 524288.0f);
    };
    const auto local = [=](i64 x) { return 3 * levels[x] + levels[x + side] - (3 * slopes[x] + slopes[x + side]) * grey[x]; };
    if (depth)
        for (i64 x = 0; x < n; ++x) out[x] = logit(x, local(x) + (3 * pages[x] + pages[x + side]) * (depth[x] - 48));
    else
        for (i64 x = 0; x < n; ++x) out[x] = logit(x, local(x));
}

constexpr Kernels table{quantize, between, twice, lines, between_lines, decide};

}  // namespace
}  // namespace docbin::choice
