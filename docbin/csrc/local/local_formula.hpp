// The formulas of the local thresholds: `exact` is the definition (float64), `fast` the same in vectors of float32, `bound` an upper bound of
// the difference of the two. Included by the targets only, in an anonymous namespace: each has its own copy, compiled with its own flags.
#pragma once
#include <cmath>
#include <cstring>

#include "local/local.hpp"

namespace docbin::local {
namespace {

// exp(x) for x <= 0 by nothing but IEEE operations, so that every level and the NumPy twin have the same bits (libm's differ): x = n ln 2 + r with
// |r| <= ln 2 / 2, a Taylor polynomial of degree 13 (remainder below 5e-18), times 2^n. Arguments under -700 are taken as -700.
inline double exp_negative(double x) {
    x = x < -700.0 ? -700.0 : x;
    const double n = std::floor(x * 1.4426950408889634 + 0.5);
    const double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    double sum = 1.0 / 6227020800.0;
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    const std::int64_t bits = (static_cast<std::int64_t>(n) + 1023) << 52;  // n >= -1010: never subnormal
    double power;
    std::memcpy(&power, &bits, sizeof power);
    return sum * power;
}

// What a formula may look at: mean and standard deviation of the window, mean of the squares, the pixel, the window's largest grey.
struct Moments {
    double mean, deviation, square, grey, brightest;
};

template <Formula formula>
inline double exact(const Threshold &t, const Moments &w) {
    if constexpr (formula == Formula::niblack) return w.mean + t.k * w.deviation;
    if constexpr (formula == Formula::sauvola) return w.mean * (1.0 + t.k * (w.deviation / t.range - 1.0));
    // A page of one grey value has no contrast to measure against, and no ink.
    if constexpr (formula == Formula::wolf)
        return t.spread > 0 ? w.mean - t.k * (1.0 - w.deviation / t.spread) * (w.mean - t.darkest) : t.darkest - 1.0;
    if constexpr (formula == Formula::nick) return w.mean + t.k * std::sqrt(w.square);
    if constexpr (formula == Formula::singh) {
        double off = std::fabs(w.grey - w.mean);
        off = off < 254.0 ? off : 254.0;
        return w.mean * (1.0 + t.k * (off / (255.0 - off) - 1.0));
    }
    if constexpr (formula == Formula::phansalkar) {
        const double mean = w.mean / 255.0, deviation = w.deviation / 255.0;
        return 255.0 * (mean * (1.0 + t.p * exp_negative(-(t.q * mean)) + t.k * (deviation / t.range - 1.0)));
    }
    if constexpr (formula == Formula::bradley) return w.mean * (1.0 - t.k);
    if constexpr (formula == Formula::wan) return (w.brightest + w.mean) / 2.0 * (1.0 + t.k * (w.deviation / t.range - 1.0));
}

// Largest float32 that is not above t.
inline float round_down(double t) {
    float f = static_cast<float>(t);
    std::int32_t bits;
    std::memcpy(&bits, &f, sizeof bits);
    const std::int32_t below = bits < 0 ? bits + 1 : bits - 1;  // -0.0 (t under zero, too small for float32) goes to the first negative
    bits = static_cast<double>(f) > t ? below : bits;
    std::memcpy(&f, &bits, sizeof f);
    return f;
}

// The formulas that the float32 stage knows; the others always take the float64 stage.
constexpr bool has_fast(Formula formula) { return formula != Formula::phansalkar; }
constexpr bool needs_squares(Formula formula) { return formula != Formula::singh && formula != Formula::bradley; }

// T = (a0 + a1 m) + (b0 + b1 m) d in every fast formula, d = standard deviation (NICK: root of the mean square; WAN: m stands for (max + m) / 2).
// Singh's is decided without its division: g <= T = (1 - k) m + k m d / (255 - d) where (255 - d) (g - a1 m) <= b1 m d, d = min(|g - m|, 254).
struct Line {
    float a0, a1, b0, b1;
    float bound;
};

template <Formula formula>
inline Line line(const Threshold &t) {
    double a0 = 0, a1 = 1, b0 = 0, b1 = 0;
    if constexpr (formula == Formula::niblack || formula == Formula::nick) b0 = t.k;
    if constexpr (formula == Formula::sauvola || formula == Formula::wan) a1 = 1 - t.k, b1 = t.k / t.range;
    if constexpr (formula == Formula::wolf) a0 = t.k * t.darkest, a1 = 1 - t.k, b0 = -t.k / t.spread * t.darkest, b1 = t.k / t.spread;
    if constexpr (formula == Formula::bradley) a1 = 1 - t.k;
    if constexpr (formula == Formula::singh) {
        // Both sides are sums of products of two numbers up to 255, m off by 7e-5 (below), d by that and its rounding: under 1e-4; and under 16
        // roundings (u = 2^-24) of numbers up to 255^2.
        const double k = std::fabs(t.k), rest = std::fabs(1 - t.k), largest = 255;
        const double bound = largest * rest * 7e-5 + 1e-4 * largest * (1 + rest) + k * largest * (7e-5 + 1e-4) + 16 * 5.97e-8 * largest * largest * (1 + rest + k);
        return {0, static_cast<float>(1 - t.k), 0, static_cast<float>(t.k), static_cast<float>(bound * 1.001)};
    }
    // Errors of the float32 stage (u = 2^-24; narrow sums; m' = S' / n, |m'| <= 128; d <= 255):
    //   1 / n      two roundings to float32 and their product                                  3 u
    //   m'         rounding of S', of the product                                    5.1 u * 128, and m = m' + 128 adds 128 u:  m < 4.7e-5
    //   Q' / n     likewise                                                          5.1 u * 16384
    //   m'^2       2 * 128 * (5.1 u * 128) and its rounding                         11.2 u * 16384, the difference adds u * 16384
    //   variance   17.3 u * 16384 < 0.017;  deviation: |sqrt a - sqrt b| <= sqrt|a - b| < 0.131, rounding 128 u
    //   NICK       variance + m^2: 0.017 + 2 * 255 * 4.7e-5 + 2 u * 65025 < 0.049; its root < 0.222
    // The line itself: coefficients rounded once (u each) and at most 5 operations on terms no larger than |a0| + |a1| 255 + (|b0| + |b1| 255) d:
    // under 8 u of that sum, as is what float64 itself rounds (2^-29 of it). WAN's (max + m) / 2 is no worse than m. Every figure below is
    // rounded up by a good third.
    const double off_mean = 7e-5, off_deviation = formula == Formula::nick ? 0.3 : 0.18, largest = 255;
    const double slope = std::fabs(b0) + std::fabs(b1) * 255;
    const double bound = off_mean * (std::fabs(a1) + std::fabs(b1) * largest) + off_deviation * slope +
                         16 * 5.97e-8 * (std::fabs(a0) + std::fabs(a1) * 255 + slope * largest);
    return {static_cast<float>(a0), static_cast<float>(a1), static_cast<float>(b0), static_cast<float>(b1), static_cast<float>(bound * 1.001)};
}
constexpr float off_variance = 0.03f;  // bound of the float32 variance's error (0.017 above)

}  // namespace
}  // namespace docbin::local
