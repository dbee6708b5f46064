// Lines for AVX-512: eight words a vector; a full adder is two VPTERNLOG.
#include <immintrin.h>

#include <cstdint>

#define DOCBIN_INLINE __attribute__((always_inline)) inline
#if defined(_MSC_VER)
#undef DOCBIN_INLINE
#define DOCBIN_INLINE __forceinline
#endif

namespace {

using V = __m512i;
constexpr int vector_words = 8;

inline V load(const std::uint64_t *p) { return _mm512_loadu_si512(p); }
inline void store(std::uint64_t *p, V v) { _mm512_storeu_si512(p, v); }
inline void store_part(std::uint64_t *p, V v, int words) { _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << words) - 1), v); }
inline V zero() { return _mm512_setzero_si512(); }
inline V spread(std::uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }
inline V both(V a, V b) { return _mm512_and_si512(a, b); }
inline V either(V a, V b) { return _mm512_or_si512(a, b); }
inline V differ(V a, V b) { return _mm512_xor_si512(a, b); }
inline V inverted(V a) { return _mm512_ternarylogic_epi64(a, a, a, 0x55); }
inline V sum3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
inline V most3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }
inline V most3_turned(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xb2); }
// (The forms with a mask, because GCC 12 warns of its own header in the others.)
inline V left(V a, int n) { return _mm512_maskz_sll_epi64(0xff, a, _mm_cvtsi32_si128(n)); }
inline V right(V a, int n) { return _mm512_maskz_srl_epi64(0xff, a, _mm_cvtsi32_si128(n)); }

// total - 2 p of 64 pixels a word, 32 at a time: each digit's bits are a mask of the lanes that its value is added to.
inline void expand(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
    for (int half = 0; half < 2 * words; ++half) {
        __m512i p = _mm512_setzero_si512();
        const auto lanes = [&](const std::uint64_t *plane) { return static_cast<__mmask32>(plane[half / 2] >> (32 * (half % 2))); };
        int value = 1;
        if (last) p = _mm512_mask_set1_epi16(p, lanes(last), static_cast<short>(value)), value *= 2;
        for (int i = 0; i < count; ++i, value *= 2) p = _mm512_mask_add_epi16(p, lanes(digits + i * vector_words), p, _mm512_set1_epi16(static_cast<short>(value)));
        _mm512_storeu_si512(out + 32 * half, _mm512_sub_epi16(_mm512_set1_epi16(static_cast<short>(total)), _mm512_add_epi16(p, p)));
    }
}

}  // namespace

#include "lines_body.hpp"

namespace docbin::lines {
extern const Kernels avx512_kernels{scratch, bits, dots, pool, widen, vector_words, "avx512"};
}
