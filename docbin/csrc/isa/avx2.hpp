// The vector words of AVX2: 256 bits.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "isa/pair_products_x86.hpp"
#include "isa/two_operand.hpp"

#define DOCBIN_ADDER_TREE DOCBIN_INLINE

namespace docbin::isa {
namespace {

struct WordLogic {
    using V = __m256i;
    static constexpr int size = 4;

    static V load(const std::uint64_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static void store(std::uint64_t *p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), v); }
    static V zero() { return _mm256_setzero_si256(); }
    static V broadcast(std::uint64_t word) { return _mm256_set1_epi64x(static_cast<long long>(word)); }
    static V bit_and(V a, V b) { return _mm256_and_si256(a, b); }
    static V bit_or(V a, V b) { return _mm256_or_si256(a, b); }
    static V bit_xor(V a, V b) { return _mm256_xor_si256(a, b); }
    static V bit_not(V a) { return _mm256_xor_si256(a, _mm256_set1_epi64x(-1)); }
    static V shift_left(V a, int n) { return _mm256_sll_epi64(a, _mm_cvtsi32_si128(n)); }
    static V shift_right(V a, int n) { return _mm256_srl_epi64(a, _mm_cvtsi32_si128(n)); }
};

struct Words : TwoOperandLogic<WordLogic> {
    // 16 pixels at a time: a lane's own bit of the word, as a mask.
    static void expand_dots(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
        const __m256i own = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
        for (int quarter = 0; quarter < 4 * words; ++quarter) {
            __m256i p = _mm256_setzero_si256();
            const auto add = [&](const std::uint64_t *plane, int value) {
                const __m256i here = _mm256_set1_epi16(static_cast<short>(plane[quarter / 4] >> (16 * (quarter % 4))));
                const __m256i lanes = _mm256_cmpeq_epi16(_mm256_and_si256(here, own), own);
                p = _mm256_add_epi16(p, _mm256_and_si256(lanes, _mm256_set1_epi16(static_cast<short>(value))));
            };
            int value = 1;
            if (last) add(last, value), value *= 2;
            for (int i = 0; i < count; ++i, value *= 2) add(digits + i * size, value);
            const __m256i dot = _mm256_sub_epi16(_mm256_set1_epi16(static_cast<short>(total)), _mm256_add_epi16(p, p));
            _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + 16 * quarter), dot);
        }
    }
};

// Comparisons of 16 pixels, narrowed to bytes and gathered by their sign bits.
struct Pixels {
    static __m256i vector(const std::int16_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }

    template <class Least> static std::uint64_t compare(const std::int16_t *pixels, Least least) {
        std::uint64_t word = 0;
        for (int half = 0; half < 2; ++half) {
            const int at = 32 * half;
            const __m256i below = _mm256_cmpgt_epi16(least(at), vector(pixels + at)), below2 = _mm256_cmpgt_epi16(least(at + 16), vector(pixels + at + 16));
            const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(below, below2), 0xd8);
            word |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(~_mm256_movemask_epi8(bytes))) << at;
        }
        return word;
    }

    static std::uint64_t at_least(const std::int16_t *pixels, const std::int16_t *least) {
        return compare(pixels, [=](int at) { return vector(least + at); });
    }

    static std::uint64_t at_least(const std::int16_t *pixels, std::int16_t level) {
        const __m256i all = _mm256_set1_epi16(level);
        return compare(pixels, [=](int) { return all; });
    }
};

struct Lanes {
    static constexpr int lanes = 8;
    using I = __m256i;
    struct F {
        __m256 v;
        friend F operator+(F a, F b) { return {_mm256_add_ps(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {_mm256_sub_ps(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {_mm256_mul_ps(a.v, b.v)}; }
    };
    static I set(int value) { return _mm256_set1_epi32(value); }
    static I widen(const std::uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(p))); }
    static I load(const std::uint16_t *p) { return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p))); }
    static I load(const std::uint32_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static void store(std::uint32_t *p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), a); }
    static I add(I a, I b) { return _mm256_add_epi32(a, b); }
    static I sub(I a, I b) { return _mm256_sub_epi32(a, b); }
    // |b| < 2^15 with its high half 0 or -1; clearing a's high half leaves the one product of the low halves.
    static I multiply(I a, I b) { return _mm256_madd_epi16(_mm256_blend_epi16(a, _mm256_setzero_si256(), 0xaa), b); }
    static I scan(I a) {
        a = _mm256_add_epi32(a, _mm256_slli_si256(a, 4));
        a = _mm256_add_epi32(a, _mm256_slli_si256(a, 8));
        const I low = _mm256_permute2x128_si256(a, a, 0x08);  // zero, low half
        return _mm256_add_epi32(a, _mm256_shuffle_epi32(low, 0xff));
    }
    static I last(I a) { return _mm256_permutevar8x32_epi32(a, _mm256_set1_epi32(7)); }
    // A logical shift serves: it differs from the arithmetic one in the upper 32 bits only.
    static void accumulate(std::int64_t *to, I a, std::uint32_t *coarse, int shift) {
        const __m128i by = _mm_cvtsi32_si128(shift);
        __m256i *p = reinterpret_cast<__m256i *>(to);
        const I low = _mm256_add_epi64(_mm256_loadu_si256(p), _mm256_cvtepi32_epi64(_mm256_castsi256_si128(a)));
        const I high = _mm256_add_epi64(_mm256_loadu_si256(p + 1), _mm256_cvtepi32_epi64(_mm256_extracti128_si256(a, 1)));
        _mm256_storeu_si256(p, low);
        _mm256_storeu_si256(p + 1, high);
        const __m256 pairs = _mm256_shuffle_ps(_mm256_castsi256_ps(_mm256_srl_epi64(low, by)), _mm256_castsi256_ps(_mm256_srl_epi64(high, by)), 0x88);
        store(coarse, _mm256_permute4x64_epi64(_mm256_castps_si256(pairs), 0xd8));
    }
    static F to_float(I a) { return {_mm256_cvtepi32_ps(a)}; }
    static F fill(float v) { return {_mm256_set1_ps(v)}; }
    static F load_float(const float *p) { return {_mm256_loadu_ps(p)}; }
    static F root(F a) { return {_mm256_sqrt_ps(a.v)}; }
    static F absolute(F a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
    static F greater(F a, F b) { return {_mm256_max_ps(a.v, b.v)}; }
    static F lesser(F a, F b) { return {_mm256_min_ps(a.v, b.v)}; }
    static bool all_greater(F a, F b) { return _mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)) == 0xff; }
    static void store_ink(std::uint8_t *p, F a, F b) {
        const __m256i is = _mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ));
        const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(is), _mm256_extracti128_si256(is, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i *>(p), _mm_and_si128(_mm_packs_epi16(halves, halves), _mm_set1_epi8(1)));
    }
};

// Pairs of 16-bit numbers multiplied and added: bytes times bytes would be summed within 16 bits, and saturate.
struct ByteProducts {
    static constexpr int lanes = 8, across = 2, step = 2;
    using Sum = __m256i;
    static Sum from(std::int32_t start) { return _mm256_set1_epi32(start); }
    static Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
        const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(words));
        const __m256i even = _mm256_and_si256(four, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(four, 8);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even, _mm256_set1_epi32(weight[0])));
        return _mm256_add_epi32(sum, _mm256_madd_epi16(odd, _mm256_set1_epi32(weight[1])));
    }
    static void store(std::int32_t *to, Sum sum) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), sum); }
};

// AVX2 cannot count bits: a 16-entry table look-up (VPSHUFB; Mula, Kurz and Lemire, 2018) for every half byte.
struct BitCounts {
    using V = __m256i;
    static constexpr int size = 4;
    static V load(const std::uint64_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static V zero() { return _mm256_setzero_si256(); }
    static V add(V sum, V a, V b) {
        const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        const __m256i half = _mm256_set1_epi8(15), d = _mm256_xor_si256(a, b);
        const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(d, half));
        return _mm256_add_epi8(sum, _mm256_add_epi8(low, _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(d, 4), half))));
    }
#if defined(__GNUC__)
    static void hide(V &v) { asm volatile("" : "+x"(v)); }
#else
    static void hide(V &) {}
#endif
};

}  // namespace
}  // namespace docbin::isa
