// A first layer on 8-bit pixels: whole-number weights, whole-number thresholds, bits out.
//
// The sum of weight * pixel over a filter's taps is compared with the filter's thresholds: bit = (sum >= threshold). A weight of one bit is +1 or -1 here,
// for a product with +-1 costs no more than the selection by a bit, and 64-bit words of so few planes would be almost empty.
//
// Bounds: where 255 * sum |weight| <= 32767 for every filter (at most 128 taps of one bit), every partial sum fits int16 and the sums are kept in 16-bit
// lanes; else in 32-bit lanes, for at most 65536 taps: 255 * 128 * 65536 < 2^31. A product, at most 255 * 128 = 32640, fits int16 always.
#pragma once
#include <cstdint>

#include "levels.hpp"

namespace docbin::pixels {

inline constexpr int most_taps = 65536, most_fan = 8, tile = 64;

struct Row {
    const std::int16_t *const *rows;  // [taps], each readable for `width` rounded up to a tile
    int taps;
    const std::int16_t *weights;  // [outs][taps]
    int outs;                     // at most 64
    int width;
};

// out[f * stride + x] bit o = (sum(o, x) >= threshold[f * pitch + o]), for f below fan <= most_fan; bits from `outs` up are 0.
using RowBits = void (*)(const Row &, const std::int32_t *threshold, std::int64_t pitch, int fan, std::uint64_t *out, std::int64_t stride);

struct Kernels {
    RowBits narrow, wide;  // sums in int16 (thresholds within +-32767), in int32
};

DOCBIN_UNITS(Kernels, kernels)

struct Shape {
    int planes, height, width;  // the picture
    int outs, kernel_h, kernel_w, stride, dilation, pad;
    int pad_value;  // 0..255
    int fan;        // thresholds a filter
    int threads;

    int out_height() const { return (height + 2 * pad - dilation * (kernel_h - 1) - 1) / stride + 1; }
    int out_width() const { return (width + 2 * pad - dilation * (kernel_w - 1) - 1) / stride + 1; }
    int taps() const { return planes * kernel_h * kernel_w; }
};

// weights [outs][planes][kernel_h][kernel_w], threshold [fan][outs], out (fan * ceil(outs / 64), out_height, out_width) words, the planes of the first
// threshold first.
void conv(Level, const Shape &, const std::uint8_t *picture, const std::int8_t *weights, const std::int32_t *threshold, std::uint64_t *out);

}  // namespace docbin::pixels
