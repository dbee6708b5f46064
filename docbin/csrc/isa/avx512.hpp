// The vector words of AVX-512 (F, BW, DQ, VL): 512 bits, a full adder of two VPTERNLOG, comparisons into mask registers.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "isa/inlining.hpp"
#include "isa/pair_products_x86.hpp"

#define DOCBIN_ADDER_TREE DOCBIN_INLINE

namespace docbin::isa {
namespace {

struct Words {
    using V = __m512i;
    static constexpr int size = 8;

    static V load(const std::uint64_t *p) { return _mm512_loadu_si512(p); }
    static void store(std::uint64_t *p, V v) { _mm512_storeu_si512(p, v); }
    static void store_part(std::uint64_t *p, V v, int words) { _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << words) - 1), v); }
    static V zero() { return _mm512_setzero_si512(); }
    static V broadcast(std::uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }
    static V bit_and(V a, V b) { return _mm512_and_si512(a, b); }
    static V bit_or(V a, V b) { return _mm512_or_si512(a, b); }
    static V bit_xor(V a, V b) { return _mm512_xor_si512(a, b); }
    static V bit_not(V a) { return _mm512_ternarylogic_epi64(a, a, a, 0x55); }
    static V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
    static V majority(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }
    static V majority_not_b(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xb2); }
    // (The forms with a mask, because GCC 12 warns of its own header in the others.)
    static V shift_left(V a, int n) { return _mm512_maskz_sll_epi64(0xff, a, _mm_cvtsi32_si128(n)); }
    static V shift_right(V a, int n) { return _mm512_maskz_srl_epi64(0xff, a, _mm_cvtsi32_si128(n)); }

    // total - 2 p of 64 pixels a word, 32 at a time: each digit's bits are a mask of the lanes that its value is added to.
    static void expand_dots(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
        for (int half = 0; half < 2 * words; ++half) {
            __m512i p = _mm512_setzero_si512();
            const auto lanes = [&](const std::uint64_t *plane) { return static_cast<__mmask32>(plane[half / 2] >> (32 * (half % 2))); };
            int value = 1;
            if (last) p = _mm512_mask_set1_epi16(p, lanes(last), static_cast<short>(value)), value *= 2;
            for (int i = 0; i < count; ++i, value *= 2) p = _mm512_mask_add_epi16(p, lanes(digits + i * size), p, _mm512_set1_epi16(static_cast<short>(value)));
            _mm512_storeu_si512(out + 32 * half, _mm512_sub_epi16(_mm512_set1_epi16(static_cast<short>(total)), _mm512_add_epi16(p, p)));
        }
    }
};

// Comparisons of 32 pixels straight into mask registers.
struct Pixels {
    template <class Least> static std::uint64_t compare(const std::int16_t *pixels, Least least) {
        const std::uint64_t low = _mm512_cmpge_epi16_mask(_mm512_loadu_si512(pixels), least(0));
        const std::uint64_t high = _mm512_cmpge_epi16_mask(_mm512_loadu_si512(pixels + 32), least(32));
        return low | high << 32;
    }

    static std::uint64_t at_least(const std::int16_t *pixels, const std::int16_t *least) {
        return compare(pixels, [=](int at) { return _mm512_loadu_si512(least + at); });
    }

    static std::uint64_t at_least(const std::int16_t *pixels, std::int16_t level) {
        const __m512i all = _mm512_set1_epi16(level);
        return compare(pixels, [=](int) { return all; });
    }
};

struct Lanes {
    static constexpr int lanes = 16;
    using I = __m512i;
    struct F {
        __m512 v;
        friend F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
    };
    static I set(int value) { return _mm512_set1_epi32(value); }
    static I widen(const std::uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p))); }
    static I load(const std::uint16_t *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p))); }
    static I load(const std::uint32_t *p) { return _mm512_loadu_si512(p); }
    static void store(std::uint32_t *p, I a) { _mm512_storeu_si512(p, a); }
    static I add(I a, I b) { return _mm512_add_epi32(a, b); }
    static I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
    // |b| < 2^15 with its high half 0 or -1; clearing a's high half leaves the one product of the low halves.
    static I multiply(I a, I b) { return _mm512_madd_epi16(_mm512_and_si512(a, _mm512_set1_epi32(0xffff)), b); }
    static I scan(I a) {
        const I zero = _mm512_setzero_si512();
        a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 15));
        a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 14));
        a = _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 12));
        return _mm512_add_epi32(a, _mm512_alignr_epi32(a, zero, 8));
    }
    static I last(I a) { return _mm512_permutexvar_epi32(_mm512_set1_epi32(15), a); }
    static void accumulate(std::int64_t *to, I a, std::uint32_t *coarse, int shift) {
        const __m128i by = _mm_cvtsi32_si128(shift);
        const I low = _mm512_add_epi64(_mm512_loadu_si512(to), _mm512_cvtepi32_epi64(_mm512_castsi512_si256(a)));
        const I high = _mm512_add_epi64(_mm512_loadu_si512(to + 8), _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(a, 1)));
        _mm512_storeu_si512(to, low);
        _mm512_storeu_si512(to + 8, high);
        const __m256i first = _mm512_cvtepi64_epi32(_mm512_srl_epi64(low, by)), second = _mm512_cvtepi64_epi32(_mm512_srl_epi64(high, by));
        store(coarse, _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1));
    }
    static F to_float(I a) { return {_mm512_cvtepi32_ps(a)}; }
    static F fill(float v) { return {_mm512_set1_ps(v)}; }
    static F load_float(const float *p) { return {_mm512_loadu_ps(p)}; }
    static F root(F a) { return {_mm512_sqrt_ps(a.v)}; }
    static F absolute(F a) { return {_mm512_abs_ps(a.v)}; }
    static F greater(F a, F b) { return {_mm512_max_ps(a.v, b.v)}; }
    static F lesser(F a, F b) { return {_mm512_min_ps(a.v, b.v)}; }
    static bool all_greater(F a, F b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ) == 0xffff; }
    static void store_ink(std::uint8_t *p, F a, F b) {
        const __mmask16 is = _mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ);
        _mm_storeu_si128(reinterpret_cast<__m128i *>(p), _mm_maskz_set1_epi8(is, 1));
    }
};

// As for AVX2: pairs of 16-bit numbers. (isa/avx512vnni.hpp multiplies the bytes themselves.)
struct ByteProducts {
    static constexpr int lanes = 16, across = 4, step = 2;
    using Sum = __m512i;
    static Sum from(std::int32_t start) { return _mm512_set1_epi32(start); }
    static Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
        const __m512i four = _mm512_loadu_si512(words), even = _mm512_and_si512(four, _mm512_set1_epi16(255)), odd = _mm512_srli_epi16(four, 8);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(even, _mm512_set1_epi32(weight[0])));
        return _mm512_add_epi32(sum, _mm512_madd_epi16(odd, _mm512_set1_epi32(weight[1])));
    }
    static void store(std::int32_t *to, Sum sum) { _mm512_storeu_si512(to, sum); }
};

// Without VPOPCNTDQ, as for AVX2: a table look-up for every half byte.
struct BitCounts {
    using V = __m512i;
    static constexpr int size = 8;
    static V load(const std::uint64_t *p) { return _mm512_loadu_si512(p); }
    static V zero() { return _mm512_setzero_si512(); }
    static V add(V sum, V a, V b) {
        const __m512i table = _mm512_set4_epi32(0x04030302, 0x03020201, 0x03020201, 0x02010100), half = _mm512_set1_epi8(15), d = _mm512_xor_si512(a, b);
        const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(d, half));
        return _mm512_add_epi8(sum, _mm512_add_epi8(low, _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(d, 4), half))));
    }
#if defined(__GNUC__)
    static void hide(V &v) { asm volatile("" : "+v"(v)); }
#else
    static void hide(V &) {}
#endif
};

}  // namespace
}  // namespace docbin::isa
