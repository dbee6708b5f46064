// Local thresholds for AVX-512 (F, BW, DQ, VL): sixteen lanes.
#include "local_extreme.hpp"
#if defined(__AVX512F__) && defined(__AVX512BW__)
#include <immintrin.h>

namespace docbin {
namespace {

struct Sixteen {
    static constexpr int lanes = 16;
    using I = __m512i;
    struct F {
        __m512 v;
        friend F operator+(F a, F b) { return {_mm512_add_ps(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {_mm512_sub_ps(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {_mm512_mul_ps(a.v, b.v)}; }
    };
    static I set(int value) { return _mm512_set1_epi32(value); }
    static I widen(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p))); }
    static I load(const uint32_t *p) { return _mm512_loadu_si512(p); }
    static void store(uint32_t *p, I a) { _mm512_storeu_si512(p, a); }
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
    static void accumulate(int64_t *to, I a, uint32_t *coarse, int shift) {
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
    static bool all_greater(F a, F b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ) == 0xffff; }
    static void store_ink(uint8_t *p, F a, F b) {
        const __mmask16 is = _mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ);
        _mm_storeu_si128(reinterpret_cast<__m128i *>(p), _mm_maskz_set1_epi8(is, 1));
    }
};

}  // namespace

const LocalUnit avx512_local_unit = unit<Sixteen>("avx512");

}  // namespace docbin
#endif
