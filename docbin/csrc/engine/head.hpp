// The last layer's arithmetic: dot products to logits and to ink.
#pragma once
#include <cstdint>

namespace docbin::head {

// Cells are taken 64 at a time.
struct Kernels {
    // For each of `outs` (a cell's four pixels, or what a choice wants to know): out[64 o + x] = bias[o], then + scale[outs plane + o] * dots[(outs plane + o) *
    // stride + x], plane after plane in single precision.
    void (*logits)(const std::int16_t *dots, std::int64_t stride, int outs, int planes, const float *scale, const float *bias, float *out);
    // The pixels of one row of 64 cells, left and right by turns: their logits, or 1 where a logit is at least 0.
    void (*lay_out)(const float *even, const float *odd, float *out);
    void (*ink)(const float *even, const float *odd, std::uint8_t *out);
};

}  // namespace docbin::head
