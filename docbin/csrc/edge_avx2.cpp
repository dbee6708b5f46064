// The edge step for AVX2: pairs of 16-bit numbers multiplied and added.
#include <immintrin.h>

#include <cstdint>

namespace {

constexpr int lanes = 8, across = 2;
using Sum = __m256i;

inline Sum zero() { return _mm256_setzero_si256(); }

inline Sum add(Sum sum, const std::int32_t *words, std::int32_t weight) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(words)), _mm256_set1_epi32(weight)));
}

inline void store(std::int32_t *to, Sum sum) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), sum); }

}  // namespace

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels avx2_kernels{sums, hidden, logits, tell, join, widen};
}
