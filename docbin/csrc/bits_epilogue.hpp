// What follows a channel's dot products where they do not become bits at once (bits.hpp: Affine, Fixed): plain loops, which the compiler turns into a
// level's vectors; every bits_<level>.cpp includes this file. Exactness: single-precision steps in the order written, without contraction; integers
// without overflow. No standard library in here, so that no inline function of it is compiled for more than the baseline CPU.
#pragma once
#include "bits.hpp"

namespace docbin::bits {
namespace {

// signs[x] bit `bit` is set where a value is at least 0; element and sign word have the same width, so that they share a vector's lanes.
template <class Value, class Part> inline void gather_signs(const Value *__restrict values, int width, Part *__restrict signs, int bit) {
    const Part one = static_cast<Part>(Part{1} << bit);
    for (int x = 0; x < width; ++x) signs[x] = static_cast<Part>(signs[x] | (values[x] >= 0 ? one : Part{0}));
}

template <Residual Where>
inline void affine_row(const std::int16_t *__restrict dots, int width, const Affine c, const float *__restrict residual, float *__restrict out) {
    for (int x = 0; x < width; ++x) {
        float v = c.scale * static_cast<float>(dots[x]) + c.bias;
        if constexpr (Where == Residual::before) v += residual[x];
        v = v >= 0.0f ? v : c.slope * v;
        v += c.shift;
        if constexpr (Where == Residual::after) v += residual[x];
        out[x] = v;
    }
}

inline std::int32_t saturated(std::int32_t v) {
    v = v < 32767 ? v : 32767;
    return v > -32768 ? v : -32768;
}

// Half of the last place that a right shift keeps: what makes it round to nearest, ties upwards.
inline std::int32_t half(std::int32_t shift) { return shift > 0 ? std::int32_t{1} << (shift - 1) : 0; }

template <Residual Where>
inline void fixed_row(const std::int16_t *__restrict dots, int width, const Fixed c, const std::int16_t *__restrict residual, std::int16_t *__restrict out) {
    const auto multiplier = static_cast<std::int16_t>(c.multiplier), slope = static_cast<std::int16_t>(c.slope);
    const std::int32_t round = half(c.multiplier_bits), round_slope = half(c.slope_bits);
    for (int x = 0; x < width; ++x) {
        std::int32_t v = ((multiplier * dots[x] + round) >> c.multiplier_bits) + c.bias;
        if constexpr (Where == Residual::before) v += residual[x];
        v = saturated(v);
        v = v >= 0 ? v : (slope * static_cast<std::int16_t>(v) + round_slope) >> c.slope_bits;
        v += c.shift;
        if constexpr (Where == Residual::after) v += residual[x];
        out[x] = static_cast<std::int16_t>(saturated(v));
    }
}

void affine(const std::int16_t *dots, int width, const Affine &c, Residual where, const float *residual, float *out, std::uint32_t *signs, int bit) {
    switch (where) {
        case Residual::none: affine_row<Residual::none>(dots, width, c, residual, out); break;
        case Residual::before: affine_row<Residual::before>(dots, width, c, residual, out); break;
        case Residual::after: affine_row<Residual::after>(dots, width, c, residual, out); break;
    }
    if (signs) gather_signs(out, width, signs, bit);
}

void fixed(const std::int16_t *dots, int width, const Fixed &c, Residual where, const std::int16_t *residual, std::int16_t *out, std::uint16_t *signs,
           int bit) {
    switch (where) {
        case Residual::none: fixed_row<Residual::none>(dots, width, c, residual, out); break;
        case Residual::before: fixed_row<Residual::before>(dots, width, c, residual, out); break;
        case Residual::after: fixed_row<Residual::after>(dots, width, c, residual, out); break;
    }
    if (signs) gather_signs(out, width, signs, bit);
}

}  // namespace
}  // namespace docbin::bits
