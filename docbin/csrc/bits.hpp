// Binary convolution on packed +-1 maps.
//
// A map is word planes: uint64 (words, height, width); bit c of word j at a pixel is channel 64 j + c, 1 = +1, 0 = -1. Planes rather than
// interleaved words, because then eight neighbouring pixels of one plane are one vector load, concatenation of maps is concatenation of planes
// and a slice of channels is a slice of planes.
//
// Everything is reduced to one row kernel. A "tap row" is a pointer to the words that tap (word, ky, kx) contributes to an output row, already
// shifted, padded and (for stride > 1) decimated, so that output pixel x reads rows[t][x]. With p = number of unequal bits over all taps, the dot
// product of the +-1 vectors is K - 2 p, K = 64 * taps. A threshold on the dot product is a limit on p: bit = (p <= limit[o]).
//
// Bounds: p <= K; the int16 output K - 2 p needs K <= 32767 (checked by the caller: 511 words, for instance 3x3 over 3584 channels); p itself is
// held in 64-bit lanes (scalar: int).
#pragma once
#include <cstdint>

#include "levels.hpp"

namespace docbin::bits {

struct Row {
    const std::uint64_t *const *rows;  // [taps], each readable for `width` rounded up to `lane_slack` (padded_map.hpp) words
    int taps;
    const std::uint64_t *weights;  // [outs][taps]
    const std::uint64_t *masks;    // [outs][taps], or null: 1 = this weight counts, 0 = it is zero
    int outs;                      // output channels of this call, at most 64 for row_bits
    int width;                     // output pixels
};

// out[x] bit o = (p(o, x) <= limit[o]); bits from `outs` up are 0. With `limit2` the same counts are compared a second time, into `out2`: a filter
// that gives two bits costs hardly more than one that gives one.
using RowBits = void (*)(const Row &, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2);
// out[o * stride + x] = total[o] - 2 p(o, x), as int16; total[o] is the number of weights that count (64 * taps without a mask).
using RowDots = void (*)(const Row &, const std::int32_t *total, std::int16_t *out, std::int64_t stride);

// From a channel's dot products to values (ReActNet's RPReLU and shortcut, Liu et al. 2020). The first shift of the RPReLU is part of `bias`.
// float32: v = scale * dot + bias [+ residual]; v = v >= 0 ? v : slope * v; v + shift [+ residual], each step rounded on its own.
struct Affine {
    float scale, bias, slope, shift;
};
// int16: the same with right shifts that round to nearest, ties upwards, r(v, s) = (v + 2^(s-1)) >> s:
// v = sat(r(multiplier * dot, multiplier_bits) + bias [+ residual]); v = v >= 0 ? v : r(slope * v, slope_bits); sat(v + shift [+ residual]).
// Bounds (int32): multiplier, slope, shift in int16, both *_bits 0..30, |bias| <= 2^29: then |multiplier * dot| <= 2^15 * 32704, + 2^29 rounding, and
// its sum with bias and residual, stay below 1.62e9 < 2^31; |slope * v| <= 2^30, + 2^29.
struct Fixed {
    std::int32_t multiplier, multiplier_bits, bias, slope, slope_bits, shift;
};
enum class Residual { none, before, after };  // the PReLU

// One channel of one row. signs (null: not wanted): bit `bit` of signs[x] is set where out[x] >= 0.
template <class Channel, class Value, class Part>
using Epilogue = void (*)(const std::int16_t *dots, int width, const Channel &, Residual, const Value *residual, Value *out, Part *signs, int bit);

// The unit's own ceiling: `rounds` x 16 xor + count + add on vectors that never leave the registers or L1. Returns the number of +-1
// multiply-accumulates done; the caller holds the clock. This is what a convolution is compared with.
using Ceiling = std::int64_t (*)(std::int64_t rounds);

struct Kernels {
    RowBits row_bits;
    RowDots row_dots;
    Epilogue<Affine, float, std::uint32_t> affine;
    Epilogue<Fixed, std::int16_t, std::uint16_t> fixed;
    Ceiling ceiling;
    const char *unit;
};

DOCBIN_UNITS(Kernels, kernels)

struct Shape {
    int words_in, height, width;  // input map
    int outs;                     // output channels
    int kernel_h, kernel_w, stride, dilation, pad, groups;
    bool pad_bit;  // the value of the padding: false = -1, true = +1
    int fan;       // thresholds a channel (conv_bits)
    int threads;

    int out_height() const { return (height + 2 * pad - dilation * (kernel_h - 1) - 1) / stride + 1; }
    int out_width() const { return (width + 2 * pad - dilation * (kernel_w - 1) - 1) / stride + 1; }
    int taps() const { return words_in / groups * kernel_h * kernel_w; }
};

// Weights are [outs][words_in / groups][kernel_h][kernel_w] words; masks likewise or null.
// conv_bits: limit is [fan][outs], out is (fan * ceil(outs / 64), out_height, out_width) words, the planes of the first threshold first;
// outs / groups must be a multiple of 64 when groups > 1.
void conv_bits(Level, const Shape &, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *limit,
               std::uint64_t *out);
// conv_dots: out is (outs, out_height, out_width) int16.
void conv_dots(Level, const Shape &, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *total,
               std::int16_t *out);
// conv_dots with an epilogue: channels [outs], residual and out (outs, out_height, out_width), residual null with Residual::none; `signs` (null: not
// wanted) is (ceil(outs / 64), out_height, out_width) words. taps() <= 511.
void conv_affine(Level, const Shape &, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *total,
                 const Affine *channels, Residual, const float *residual, float *out, std::uint64_t *signs);
void conv_fixed(Level, const Shape &, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *total,
                const Fixed *channels, Residual, const std::int16_t *residual, std::int16_t *out, std::uint64_t *signs);

}  // namespace docbin::bits
