// The edge step for AVX2: pairs of 16-bit numbers multiplied and added.
#include <immintrin.h>

#include <cstdint>

#include "edge.hpp"

namespace {

constexpr int lanes = 8, across = 2, step = 2;
using Sum = __m256i;

inline const std::int32_t *weights_of(const docbin::edge::Taps &taps) { return taps.pairs; }

inline Sum from(std::int32_t start) { return _mm256_set1_epi32(start); }

// Bytes times bytes would be summed within 16 bits, and saturate.
inline Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
    const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(words));
    const __m256i even = _mm256_and_si256(four, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(four, 8);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even, _mm256_set1_epi32(weight[0])));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(odd, _mm256_set1_epi32(weight[1])));
}

inline void store(std::int32_t *to, Sum sum) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), sum); }

}  // namespace

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels avx2_kernels{sums, hidden, logits, tell, join, widen};
}
