// Lines for AVX2: four words a vector; a full adder is five logic operations.
#include <immintrin.h>

#include <cstdint>

#define DOCBIN_INLINE __attribute__((always_inline)) inline
#if defined(_MSC_VER)
#undef DOCBIN_INLINE
#define DOCBIN_INLINE __forceinline
#endif

namespace {

using V = __m256i;
constexpr int vector_words = 4;

inline V load(const std::uint64_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
inline void store(std::uint64_t *p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), v); }
inline V zero() { return _mm256_setzero_si256(); }
inline V spread(std::uint64_t word) { return _mm256_set1_epi64x(static_cast<long long>(word)); }
inline V both(V a, V b) { return _mm256_and_si256(a, b); }
inline V either(V a, V b) { return _mm256_or_si256(a, b); }
inline V differ(V a, V b) { return _mm256_xor_si256(a, b); }
inline V inverted(V a) { return _mm256_xor_si256(a, _mm256_set1_epi64x(-1)); }
inline V left(V a, int n) { return _mm256_sll_epi64(a, _mm_cvtsi32_si128(n)); }
inline V right(V a, int n) { return _mm256_srl_epi64(a, _mm_cvtsi32_si128(n)); }

// 16 pixels at a time: a lane's own bit of the word, as a mask.
inline void expand(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
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
        for (int i = 0; i < count; ++i, value *= 2) add(digits + i * vector_words, value);
        const __m256i dot = _mm256_sub_epi16(_mm256_set1_epi16(static_cast<short>(total)), _mm256_add_epi16(p, p));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + 16 * quarter), dot);
    }
}

}  // namespace

#include "lines_plain.hpp"

#include "lines_body.hpp"

namespace docbin::lines {
extern const Kernels avx2_kernels{scratch, bits, dots, pool, widen, vector_words, "avx2"};
}
