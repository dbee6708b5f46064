// The last layer's arithmetic: dot products to logits and to ink.
#pragma once
#include <cstdint>

namespace docbin::head {

// Cells are taken 64 at a time.
struct Kernels {
    // out[64 pixel + x] = bias[pixel], then + scale[4 plane + pixel] * dots[(4 plane + pixel) * stride + x], plane after plane in single precision.
    void (*logits)(const std::int16_t *dots, std::int64_t stride, int planes, const float *scale, const float *bias, float *out);
    // The pixels of one row of 64 cells, left and right by turns: their logits, or 1 where a logit is at least 0.
    void (*lay_out)(const float *even, const float *odd, float *out);
    void (*ink)(const float *even, const float *odd, std::uint8_t *out);
};

}  // namespace docbin::head
