// The vector words of the baseline CPU: plain C++, and the description of what a target must offer.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "isa/byte_products.hpp"
#include "isa/pair_products.hpp"
#include "isa/two_operand.hpp"

#define DOCBIN_ADDER_TREE inline

namespace docbin::isa {
namespace {

// Words of bits, 64 columns each: what bit-sliced convolution adds up. majority_not_b is majority(a, ~b, c). expand_dots turns the binary digits of
// `words` words (`size` of them are one V), lowest first (`last`, if any, below them), into total - 2 p for each of their bits.
struct WordLogic {
    using V = std::uint64_t;
    static constexpr int size = 1;

    static V load(const std::uint64_t *p) { return *p; }
    static void store(std::uint64_t *p, V v) { *p = v; }
    static V zero() { return 0; }
    static V broadcast(std::uint64_t word) { return word; }
    static V bit_and(V a, V b) { return a & b; }
    static V bit_or(V a, V b) { return a | b; }
    static V bit_xor(V a, V b) { return a ^ b; }
    static V bit_not(V a) { return ~a; }
    static V shift_left(V a, int n) { return a << n; }
    static V shift_right(V a, int n) { return a >> n; }
};

struct Words : TwoOperandLogic<WordLogic> {
    static void expand_dots(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int, std::int16_t *out) {
        for (int x = 0; x < 64; ++x) {
            int p = 0, value = 1;
            if (last) p += static_cast<int>(*last >> x & 1), value = 2;
            for (int i = 0; i < count; ++i, value *= 2) p += static_cast<int>(digits[i] >> x & 1) * value;
            out[x] = static_cast<std::int16_t>(total - 2 * p);
        }
    }
};

// 64 comparisons of pixels as the bits of a word: pixel >= its own least, and pixel >= one level.
struct Pixels {
    // Comparisons to bytes 0 and 1; a product then gathers eight of them: byte i, at bit 8 i, is moved to bit 56 + i.
    template <class Least> static std::uint64_t compare(const std::int16_t *pixels, Least least) {
        std::uint8_t bytes[64];
        for (int i = 0; i < 64; ++i) bytes[i] = pixels[i] >= least(i);
        std::uint64_t word = 0;
        for (int octet = 0; octet < 8; ++octet) {
            std::uint64_t eight;
            std::memcpy(&eight, bytes + 8 * octet, 8);
            word |= eight * 0x0102040810204080ULL >> 56 << (8 * octet);
        }
        return word;
    }

    static std::uint64_t at_least(const std::int16_t *pixels, const std::int16_t *least) {
        return compare(pixels, [=](int i) { return least[i]; });
    }

    static std::uint64_t at_least(const std::int16_t *pixels, std::int16_t level) {
        return compare(pixels, [=](int) { return level; });
    }
};

// `lanes` numbers of 32 bits: integers modulo 2^32, and floats.
struct Lanes {
    static constexpr int lanes = 4;
    struct I {
        std::uint32_t v[4];
    };
    struct F {
        float v[4];
        friend F operator+(F a, F b) { return {{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}}; }
        friend F operator-(F a, F b) { return {{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}}; }
        friend F operator*(F a, F b) { return {{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}}; }
    };
    // Integers modulo 2^32.
    static I set(int value) {
        const std::uint32_t v = static_cast<std::uint32_t>(value);
        return {{v, v, v, v}};
    }
    static I widen(const std::uint8_t *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static I load(const std::uint16_t *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static I load(const std::uint32_t *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static void store(std::uint32_t *p, I a) { std::memcpy(p, a.v, sizeof a.v); }
    static I add(I a, I b) { return {{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}}; }
    static I sub(I a, I b) { return {{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}}; }
    // Signed product of numbers of at most 16 bits.
    static I multiply(I a, I b) { return {{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}}; }
    // Running sums a0, a0 + a1, ...; and the last lane in all lanes.
    static I scan(I a) { return {{a.v[0], a.v[0] + a.v[1], a.v[0] + a.v[1] + a.v[2], a.v[0] + a.v[1] + a.v[2] + a.v[3]}}; }
    static I last(I a) { return {{a.v[3], a.v[3], a.v[3], a.v[3]}}; }
    // to[i] += a[i] (signed) in 64 bits; coarse[i] = the low 32 bits of to[i] >> shift, shift < 32.
    static void accumulate(std::int64_t *to, I a, std::uint32_t *coarse, int shift) {
        for (int i = 0; i < 4; ++i) {
            to[i] += static_cast<std::int32_t>(a.v[i]);
            coarse[i] = static_cast<std::uint32_t>(to[i] >> shift);
        }
    }
    static F to_float(I a) {
        const auto f = [](std::uint32_t v) { return static_cast<float>(static_cast<std::int32_t>(v)); };
        return {{f(a.v[0]), f(a.v[1]), f(a.v[2]), f(a.v[3])}};
    }
    static F fill(float v) { return {{v, v, v, v}}; }
    static F load_float(const float *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static F root(F a) { return {{std::sqrt(a.v[0]), std::sqrt(a.v[1]), std::sqrt(a.v[2]), std::sqrt(a.v[3])}}; }
    static F absolute(F a) { return {{std::fabs(a.v[0]), std::fabs(a.v[1]), std::fabs(a.v[2]), std::fabs(a.v[3])}}; }
    static F greater(F a, F b) {
        const auto f = [](float x, float y) { return x > y ? x : y; };
        return {{f(a.v[0], b.v[0]), f(a.v[1], b.v[1]), f(a.v[2], b.v[2]), f(a.v[3], b.v[3])}};
    }
    static F lesser(F a, F b) {
        const auto f = [](float x, float y) { return x < y ? x : y; };
        return {{f(a.v[0], b.v[0]), f(a.v[1], b.v[1]), f(a.v[2], b.v[2]), f(a.v[3], b.v[3])}};
    }
    // Whether a > b in every lane (false where any is not a number).
    static bool all_greater(F a, F b) { return (a.v[0] > b.v[0]) & (a.v[1] > b.v[1]) & (a.v[2] > b.v[2]) & (a.v[3] > b.v[3]); }
    // One byte a lane: 1 where a <= b.
    static void store_ink(std::uint8_t *p, F a, F b) {
        for (int i = 0; i < 4; ++i) p[i] = a.v[i] <= b.v[i];
    }
};

// Sums of products of bytes, `lanes` cells of one filter a Sum, `across` of them held at a time; a weight of four channels takes `step` words.
using ByteProducts = PlainByteProducts;

// Sums of eight outputs, each of products of 16-bit numbers two by two.
using PairProducts = PlainPairProducts;

// The limit of counting bits: one xor, one population count and one addition of `size` words. hide() keeps the compiler from doing the work once.
struct BitCounts {
    using V = std::uint64_t;
    static constexpr int size = 1;
    static V load(const std::uint64_t *p) { return *p; }
    static V zero() { return 0; }
    static DOCBIN_INLINE V add(V sum, V a, V b) { return sum + static_cast<V>(std::popcount(a ^ b)); }
#if defined(__GNUC__)
    static DOCBIN_INLINE void hide(V &v) { asm volatile("" : "+r"(v)); }
#else
    static void hide(V &v) {
        volatile V out = v;
        v = out;
    }
#endif
};

}  // namespace
}  // namespace docbin::isa
