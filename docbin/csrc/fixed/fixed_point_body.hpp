// The loops behind convolutions of 16-bit numbers; the products of pairs are the target's isa::PairProducts.
#pragma once
#include "fixed/fixed_point.hpp"
#include "isa/inlining.hpp"

namespace docbin::fixed {
namespace {

using i16 = std::int16_t;
using i64 = std::int64_t;

constexpr i16 zeros[block] = {};  // what is beyond a map

// `pixels` pixels and `blocks` blocks of outputs at a time: their sums stay in registers.
template <int pixels, int blocks>
void some(const i16 *in, const i16 *residual, const i16 *weights, const Rescale &by, int ins, int outs, i16 *out) {
    using P = isa::PairProducts;
    P::Sum sum[pixels][blocks];
    for (int p = 0; p < pixels; ++p)
        for (int b = 0; b < blocks; ++b) sum[p][b] = P::zero();
    const int pairs = ins / 2;
    for (int k = 0; k < pairs; ++k) {
        P::Pairs weight[blocks];
        for (int b = 0; b < blocks; ++b) weight[b] = P::load(weights + (static_cast<i64>(b) * pairs + k) * 2 * block);
        for (int p = 0; p < pixels; ++p) {
            const P::Pairs pair = P::broadcast(in + static_cast<i64>(p) * ins + 2 * k);
            for (int b = 0; b < blocks; ++b) sum[p][b] = P::add(sum[p][b], pair, weight[b]);
        }
    }
    for (int p = 0; p < pixels; ++p)
        for (int b = 0; b < blocks; ++b) {
            const i64 at = static_cast<i64>(p) * outs + b * block;
            P::finish(sum[p][b], residual ? residual + at : nullptr, by.factor + b * block, by.offset + b * block, by.low, by.high, out + at);
        }
}

template <int blocks>
void column(const i16 *in, const i16 *residual, const i16 *weights, const Rescale &by, int ins, int outs, i64 n, i16 *out) {
    constexpr int pixels = 4;
    i64 x = 0;
    for (; x + pixels <= n; x += pixels) some<pixels, blocks>(in + x * ins, residual ? residual + x * outs : nullptr, weights, by, ins, outs, out + x * outs);
    for (; x < n; ++x) some<1, blocks>(in + x * ins, residual ? residual + x * outs : nullptr, weights, by, ins, outs, out + x * outs);
}

void pointwise(const i16 *in, const i16 *residual, const i16 *weights, const Rescale &by, int ins, int outs, i64 n, i16 *out) {
    constexpr i64 strip = 64;  // pixels that stay in the first cache while all blocks of outputs pass over them
    for (i64 x = 0; x < n; x += strip) {
        const i64 now = n - x < strip ? n - x : strip;
        for (int first = 0; first < outs;) {
            const int left = (outs - first) / block;
            const i16 *const of = weights + static_cast<i64>(first) * ins;
            const i16 *const rest = residual ? residual + x * outs + first : nullptr;
            const Rescale here{by.factor + first, by.offset + first, by.low, by.high};
            if (left >= 3 && left != 4) {
                column<3>(in + x * ins, rest, of, here, ins, outs, now, out + x * outs + first), first += 3 * block;
            } else if (left >= 2) {
                column<2>(in + x * ins, rest, of, here, ins, outs, now, out + x * outs + first), first += 2 * block;
            } else {
                column<1>(in + x * ins, rest, of, here, ins, outs, now, out + x * outs + first), first += block;
            }
        }
    }
}

void depthwise(const i16 *const *rows, const i16 *weights, const Rescale &by, int side, int stride, int before, i64 wide, int channels, i64 n, i16 *out) {
    using P = isa::PairProducts;
    const int taps = side * side, pairs = (taps + 1) / 2;
    for (i64 x = 0; x < n; ++x) {
        const i16 *from[largest_side * largest_side + 1];
        for (int row = 0; row < side; ++row)
            for (int k = 0; k < side; ++k) {
                const i64 at = stride * x - before + k;
                from[row * side + k] = !rows[row] || at < 0 || at >= wide ? zeros : rows[row] + at * channels;
            }
        from[taps] = zeros;
        for (int c = 0; c < channels; c += block) {
            P::Sum sum = P::zero();
            for (int k = 0; k < pairs; ++k) {
                const i16 *const first = from[2 * k], *const second = from[2 * k + 1];
                const P::Pairs seen = P::zip(first == zeros ? zeros : first + c, second == zeros ? zeros : second + c);
                sum = P::add(sum, seen, P::load(weights + (static_cast<i64>(k) * channels + c) * 2));
            }
            P::finish(sum, nullptr, by.factor + c, by.offset + c, by.low, by.high, out + x * channels + c);
        }
    }
}

constexpr Kernels table{pointwise, depthwise};

}  // namespace
}  // namespace docbin::fixed
