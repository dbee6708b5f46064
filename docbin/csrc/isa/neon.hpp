// The vector words of NEON (aarch64): 128 bits, a majority is one bit select.
#pragma once
#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "isa/byte_products.hpp"
#include "isa/inlining.hpp"
#include "isa/pair_products.hpp"

#define DOCBIN_ADDER_TREE DOCBIN_INLINE

namespace docbin::isa {
namespace {

struct Words {
    using V = uint64x2_t;
    static constexpr int size = 2;

    static V load(const std::uint64_t *p) { return vld1q_u64(p); }
    static void store(std::uint64_t *p, V v) { vst1q_u64(p, v); }
    static void store_part(std::uint64_t *p, V v, int) { vst1_u64(p, vget_low_u64(v)); }  // part of two is one
    static V zero() { return vdupq_n_u64(0); }
    static V broadcast(std::uint64_t word) { return vdupq_n_u64(word); }
    static V bit_and(V a, V b) { return vandq_u64(a, b); }
    static V bit_or(V a, V b) { return vorrq_u64(a, b); }
    static V bit_xor(V a, V b) { return veorq_u64(a, b); }
    static V bit_not(V a) { return vreinterpretq_u64_u8(vmvnq_u8(vreinterpretq_u8_u64(a))); }
    static V xor3(V a, V b, V c) { return veorq_u64(veorq_u64(a, b), c); }
    static V majority(V a, V b, V c) { return vbslq_u64(veorq_u64(a, b), c, a); }
    static V majority_not_b(V a, V b, V c) { return vbslq_u64(veorq_u64(a, c), bit_not(b), a); }
    static V shift_left(V a, int n) { return vshlq_u64(a, vdupq_n_s64(n)); }
    static V shift_right(V a, int n) { return vshlq_u64(a, vdupq_n_s64(-n)); }

    // Eight pixels at a time: a lane's own bit of the byte, as a mask.
    static void expand_dots(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
        static const std::uint16_t bit_of[8] = {1, 2, 4, 8, 16, 32, 64, 128};
        const uint16x8_t own = vld1q_u16(bit_of);
        for (int octet = 0; octet < 8 * words; ++octet) {
            uint16x8_t p = vdupq_n_u16(0);
            const auto add = [&](const std::uint64_t *plane, int value) {
                const uint16x8_t here = vdupq_n_u16(static_cast<std::uint16_t>(plane[octet / 8] >> (8 * (octet % 8))));
                p = vaddq_u16(p, vandq_u16(vtstq_u16(here, own), vdupq_n_u16(static_cast<std::uint16_t>(value))));
            };
            int value = 1;
            if (last) add(last, value), value *= 2;
            for (int i = 0; i < count; ++i, value *= 2) add(digits + i * size, value);
            const int16x8_t twice_p = vreinterpretq_s16_u16(vaddq_u16(p, p));
            vst1q_s16(out + 8 * octet, vsubq_s16(vdupq_n_s16(static_cast<std::int16_t>(total)), twice_p));
        }
    }
};

// Comparisons of 8 pixels, narrowed to bytes; a byte keeps its own bit, and pairwise sums gather eight bytes in one.
struct Pixels {
    template <class Least> static std::uint64_t compare(const std::int16_t *pixels, Least least) {
        static const std::uint8_t bit_of[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
        const uint8x16_t own = vld1q_u8(bit_of);
        const auto bytes = [&](int at) {
            const uint8x8_t low = vmovn_u16(vcgeq_s16(vld1q_s16(pixels + at), least(at)));
            const uint8x8_t high = vmovn_u16(vcgeq_s16(vld1q_s16(pixels + at + 8), least(at + 8)));
            return vandq_u8(vcombine_u8(low, high), own);
        };
        const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(bytes(0), bytes(16)), vpaddq_u8(bytes(32), bytes(48)));
        return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
    }

    static std::uint64_t at_least(const std::int16_t *pixels, const std::int16_t *least) {
        return compare(pixels, [=](int at) { return vld1q_s16(least + at); });
    }

    static std::uint64_t at_least(const std::int16_t *pixels, std::int16_t level) {
        const int16x8_t all = vdupq_n_s16(level);
        return compare(pixels, [=](int) { return all; });
    }
};

struct Lanes {
    static constexpr int lanes = 4;
    using I = uint32x4_t;
    struct F {
        float32x4_t v;
        friend F operator+(F a, F b) { return {vaddq_f32(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {vsubq_f32(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {vmulq_f32(a.v, b.v)}; }
    };
    static I set(int value) { return vdupq_n_u32(static_cast<std::uint32_t>(value)); }
    static I widen(const std::uint8_t *p) {
        std::uint32_t four;
        std::memcpy(&four, p, 4);
        return vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)))));
    }
    static I load(const std::uint16_t *p) { return vmovl_u16(vld1_u16(p)); }
    static I load(const std::uint32_t *p) { return vld1q_u32(p); }
    static void store(std::uint32_t *p, I a) { vst1q_u32(p, a); }
    static I add(I a, I b) { return vaddq_u32(a, b); }
    static I sub(I a, I b) { return vsubq_u32(a, b); }
    static I multiply(I a, I b) { return vmulq_u32(a, b); }
    static I scan(I a) {
        const I zero = vdupq_n_u32(0);
        a = vaddq_u32(a, vextq_u32(zero, a, 3));
        return vaddq_u32(a, vextq_u32(zero, a, 2));
    }
    static I last(I a) { return vdupq_laneq_u32(a, 3); }
    static void accumulate(std::int64_t *to, I a, std::uint32_t *coarse, int shift) {
        const int32x4_t change = vreinterpretq_s32_u32(a);
        const int64x2_t by = vdupq_n_s64(-shift);
        const int64x2_t low = vaddw_s32(vld1q_s64(to), vget_low_s32(change)), high = vaddw_s32(vld1q_s64(to + 2), vget_high_s32(change));
        vst1q_s64(to, low);
        vst1q_s64(to + 2, high);
        const int32x4_t narrow = vcombine_s32(vmovn_s64(vshlq_s64(low, by)), vmovn_s64(vshlq_s64(high, by)));
        vst1q_u32(coarse, vreinterpretq_u32_s32(narrow));
    }
    static F to_float(I a) { return {vcvtq_f32_s32(vreinterpretq_s32_u32(a))}; }
    static F fill(float v) { return {vdupq_n_f32(v)}; }
    static F load_float(const float *p) { return {vld1q_f32(p)}; }
    static F root(F a) { return {vsqrtq_f32(a.v)}; }
    static F absolute(F a) { return {vabsq_f32(a.v)}; }
    static F greater(F a, F b) { return {vmaxq_f32(a.v, b.v)}; }
    static F lesser(F a, F b) { return {vminq_f32(a.v, b.v)}; }
    static bool all_greater(F a, F b) { return vminvq_u32(vcgtq_f32(a.v, b.v)) != 0; }
    static void store_ink(std::uint8_t *p, F a, F b) {
        const uint16x4_t is = vmovn_u32(vshrq_n_u32(vcleq_f32(a.v, b.v), 31));
        const std::uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(is, is))), 0);
        std::memcpy(p, &four, 4);
    }
};

using ByteProducts = PlainByteProducts;
using PairProducts = PlainPairProducts;

struct BitCounts {
    using V = uint8x16_t;
    static constexpr int size = 2;
    static V load(const std::uint64_t *p) { return vreinterpretq_u8_u64(vld1q_u64(p)); }
    static V zero() { return vdupq_n_u8(0); }
    static V add(V sum, V a, V b) { return vaddq_u8(sum, vcntq_u8(veorq_u8(a, b))); }
    static void hide(V &v) { asm volatile("" : "+w"(v)); }
};

}  // namespace
}  // namespace docbin::isa
