// Local thresholds for AVX2: eight lanes.
#include "local_extreme.hpp"
#if defined(__AVX2__)
#include <immintrin.h>

namespace docbin {
namespace {

struct Eight {
    static constexpr int lanes = 8;
    using I = __m256i;
    struct F {
        __m256 v;
        friend F operator+(F a, F b) { return {_mm256_add_ps(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {_mm256_sub_ps(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {_mm256_mul_ps(a.v, b.v)}; }
    };
    static I set(int value) { return _mm256_set1_epi32(value); }
    static I widen(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(p))); }
    static I load(const uint32_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
    static void store(uint32_t *p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), a); }
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
    static void accumulate(int64_t *to, I a, uint32_t *coarse, int shift) {
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
    static bool all_greater(F a, F b) { return _mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)) == 0xff; }
    static void store_ink(uint8_t *p, F a, F b) {
        const __m256i is = _mm256_castps_si256(_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ));
        const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(is), _mm256_extracti128_si256(is, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i *>(p), _mm_and_si128(_mm_packs_epi16(halves, halves), _mm_set1_epi8(1)));
    }
};

}  // namespace

const LocalUnit avx2_local_unit = unit<Eight>("avx2");

}  // namespace docbin
#endif
