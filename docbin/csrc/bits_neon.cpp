// The row kernels for NEON: a lane is a pixel, two pixels a vector; bits are counted per byte (CNT), gathered in bytes for up to 31 taps
// (8 a tap) and then added pairwise into the 64-bit lanes.
#include <arm_neon.h>

#include "bits_epilogue.hpp"

namespace docbin::bits {
namespace {

constexpr int vectors = 4;

template <bool Masked>
inline void count(const Row &r, int at, int o, uint64x2_t (&p)[vectors]) {
    const std::int64_t skip = static_cast<std::int64_t>(o) * r.taps;
    const std::uint64_t *w = r.weights + skip, *m = Masked ? r.masks + skip : nullptr;
    for (int v = 0; v < vectors; ++v) p[v] = vdupq_n_u64(0);
    for (int from = 0; from < r.taps; from += 31) {
        const int to = from + 31 < r.taps ? from + 31 : r.taps;
        uint8x16_t sum[vectors];
        for (int v = 0; v < vectors; ++v) sum[v] = vdupq_n_u8(0);
        for (int t = from; t < to; ++t) {
            const uint64x2_t word = vdupq_n_u64(w[t]);
            for (int v = 0; v < vectors; ++v) {
                uint64x2_t d = veorq_u64(vld1q_u64(r.rows[t] + at + 2 * v), word);
                if constexpr (Masked) d = vandq_u64(d, vdupq_n_u64(m[t]));
                sum[v] = vaddq_u8(sum[v], vcntq_u8(vreinterpretq_u8_u64(d)));
            }
        }
        for (int v = 0; v < vectors; ++v) p[v] = vaddq_u64(p[v], vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(sum[v]))));
    }
}

inline void store_words(std::uint64_t *to, const uint64x2_t (&word)[vectors], int left) {
    std::uint64_t done[2 * vectors];
    for (int v = 0; v < vectors; ++v) vst1q_u64(done + 2 * v, word[v]);
    for (int i = 0; i < 2 * vectors && i < left; ++i) to[i] = done[i];
}

template <bool Masked>
void bits_row(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    for (int at = 0; at < r.width; at += 2 * vectors) {
        uint64x2_t word[vectors], word2[vectors], p[vectors];
        for (int v = 0; v < vectors; ++v) word[v] = word2[v] = vdupq_n_u64(0);
        for (int o = 0; o < r.outs; ++o) {
            count<Masked>(r, at, o, p);
            const uint64x2_t bit = vdupq_n_u64(1ULL << o);
            const auto set = [&](std::int32_t most, uint64x2_t (&to)[vectors]) {
                for (int v = 0; v < vectors; ++v)
                    to[v] = vorrq_u64(to[v], vandq_u64(vcleq_s64(vreinterpretq_s64_u64(p[v]), vdupq_n_s64(most)), bit));
            };
            set(limit[o], word);
            if (limit2) set(limit2[o], word2);
        }
        store_words(out + at, word, r.width - at);
        if (limit2) store_words(out2 + at, word2, r.width - at);
    }
}

template <bool Masked>
void dots_row(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    for (int at = 0; at < r.width; at += 2 * vectors)
        for (int o = 0; o < r.outs; ++o) {
            uint64x2_t p[vectors];
            count<Masked>(r, at, o, p);
            std::uint64_t done[2 * vectors];
            for (int v = 0; v < vectors; ++v) vst1q_u64(done + 2 * v, p[v]);
            for (int i = 0; i < 2 * vectors && at + i < r.width; ++i)
                out[o * stride + at + i] = static_cast<std::int16_t>(total[o] - 2 * static_cast<int>(done[i]));
        }
}

void row_bits(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    r.masks ? bits_row<true>(r, limit, out, limit2, out2) : bits_row<false>(r, limit, out, limit2, out2);
}

void row_dots(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    r.masks ? dots_row<true>(r, total, out, stride) : dots_row<false>(r, total, out, stride);
}

std::int64_t ceiling(std::int64_t rounds) {
    uint64x2_t x[4], w[4];
    uint8x16_t p[4];
    for (int i = 0; i < 4; ++i) x[i] = vdupq_n_u64(0x9e3779b97f4a7c15ULL * (i + 1)), w[i] = vdupq_n_u64(0x9e3779b97f4a7c15ULL * (i + 9)), p[i] = vdupq_n_u8(0);
    for (std::int64_t round = 0; round < rounds; ++round) {
        for (auto &v : w) asm volatile("" : "+w"(v));  // else the compiler would do the work once
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) p[i % 4] = vaddq_u8(p[i % 4], vcntq_u8(vreinterpretq_u8_u64(veorq_u64(x[i % 4], w[i / 4]))));
    }
    for (auto &sum : p) asm volatile("" : "+w"(sum));
    return rounds * 16 * 128;
}

}  // namespace

extern const Kernels neon_kernels{row_bits, row_dots, affine, fixed, ceiling, "neon"};

}  // namespace docbin::bits
