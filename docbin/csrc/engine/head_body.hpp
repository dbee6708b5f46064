// Plain loops of a fixed length, which the compiler turns into the target's vectors.
#pragma once
#include "engine/head.hpp"

namespace docbin::head {
namespace {

void logits(const std::int16_t *dots, std::int64_t stride, int outs, int planes, const float *scale, const float *bias, float *out) {
    for (int o = 0; o < outs; ++o) {
        float *__restrict total = out + 64 * o;
        for (int x = 0; x < 64; ++x) total[x] = bias[o];
        for (int plane = 0; plane < planes; ++plane) {
            const std::int16_t *__restrict dot = dots + (outs * plane + o) * stride;
            const float factor = scale[outs * plane + o];
            for (int x = 0; x < 64; ++x) total[x] += factor * static_cast<float>(dot[x]);
        }
    }
}

void lay_out(const float *__restrict even, const float *__restrict odd, float *__restrict out) {
    for (int x = 0; x < 64; ++x) out[2 * x] = even[x], out[2 * x + 1] = odd[x];
}

void ink(const float *__restrict even, const float *__restrict odd, std::uint8_t *__restrict out) {
    std::uint16_t both[64];  // the two bytes at once
    for (int x = 0; x < 64; ++x) both[x] = static_cast<std::uint16_t>((even[x] >= 0.0f ? 1 : 0) | (odd[x] >= 0.0f ? 256 : 0));
    for (int x = 0; x < 64; ++x) out[2 * x] = static_cast<std::uint8_t>(both[x]), out[2 * x + 1] = static_cast<std::uint8_t>(both[x] >> 8);
}

constexpr Kernels table{logits, lay_out, ink};

}  // namespace
}  // namespace docbin::head
