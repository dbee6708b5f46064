// Products of pairs of 16-bit numbers in words of 256 bits: AVX2's multiply-add, and VNNI's, which adds in the same instruction.
#pragma once
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace docbin::isa {
namespace {

struct PairProducts {
    using Pairs = __m256i;
    using Sum = __m256i;
    static Sum zero() { return _mm256_setzero_si256(); }
    static Pairs load(const std::int16_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static Pairs broadcast(const std::int16_t *pair) {
        std::int32_t both;
        std::memcpy(&both, pair, sizeof both);
        return _mm256_set1_epi32(both);
    }
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
    static Sum add(Sum sum, Pairs a, Pairs b) { return _mm256_dpwssd_epi32(sum, a, b); }
#else
    static Sum add(Sum sum, Pairs a, Pairs b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
#endif
    // Pairs of two pixels' numbers, eight channels.
    static Pairs zip(const std::int16_t *first, const std::int16_t *second) {
        const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i *>(first)), b = _mm_loadu_si128(reinterpret_cast<const __m128i *>(second));
        return _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b));
    }
    // Rounds as the processor's mode says, which is to the nearest, ties to even.
    static void finish(Sum sum, const std::int16_t *residual, const float *factor, const float *offset, float low, float high, std::int16_t *out) {
        __m256 value = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(factor)), _mm256_loadu_ps(offset));
        if (residual) value = _mm256_add_ps(value, _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(residual)))));
        value = _mm256_min_ps(_mm256_max_ps(value, _mm256_set1_ps(low)), _mm256_set1_ps(high));
        const __m256i whole = _mm256_cvtps_epi32(value);
        _mm_storeu_si128(reinterpret_cast<__m128i *>(out), _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
    }
};

}  // namespace
}  // namespace docbin::isa
