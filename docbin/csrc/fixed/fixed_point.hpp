// Convolutions of 16-bit whole numbers, the channels of a pixel one behind the other: what a network of depthwise and pointwise layers runs in.
//
// Weights are whole numbers, sums 32 bits wide (that they cannot leave them is checked where the network is made). A sum becomes a number of 16 bits by one
// multiplication, one addition, another where there is a residual, and rounding to the nearest, ties to even, in single precision without contraction: every
// level and NumPy give the same bits.
#pragma once
#include <cstdint>

#include "levels.hpp"

namespace docbin::fixed {

// factor * sum + offset (+ residual), cut off at low and high, which lie within 16 bits.
struct Rescale {
    const float *factor, *offset;
    float low, high;
};

inline constexpr int block = 8;  // outputs are computed by eights

struct Kernels {
    // n pixels of `ins` channels, an even number, to `outs` of them, a multiple of `block`; weights [outs / block][ins / 2][block][2]. No residual: null.
    void (*pointwise)(const std::int16_t *in, const std::int16_t *residual, const std::int16_t *weights, const Rescale &rescale, int ins, int outs, std::int64_t n,
                      std::int16_t *out);
    // One row of n pixels of every channel by itself: `rows` are the side's rows of the input, each `wide` pixels (null beyond the map, where all is zero);
    // pixel x reads from column stride * x - before on; weights
    // [(side * side + 1) / 2][channels][2], the taps two by two, the last of an odd number beside zero.
    void (*depthwise)(const std::int16_t *const *rows, const std::int16_t *weights, const Rescale &rescale, int side, int stride, int before, std::int64_t wide,
                      int channels, std::int64_t n, std::int16_t *out);
};

inline constexpr int largest_side = 7;

struct Map {
    std::int64_t high, wide;
    int channels;
};

void pointwise(Level level, const std::int16_t *in, const std::int16_t *residual, const std::int16_t *weights, const Rescale &rescale, int ins, int outs, std::int64_t n,
               std::int16_t *out, int threads);
// `out` is a map of `high` rows of `n` pixels.
void depthwise(Level level, const std::int16_t *in, const Map &map, const std::int16_t *weights, const Rescale &rescale, int side, int stride, int before,
               std::int64_t high, std::int64_t n, std::int16_t *out, int threads);

}  // namespace docbin::fixed
