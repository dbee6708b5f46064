// The edge step for AVX-512: VNNI multiplies pairs of 16-bit numbers and adds them to the sum at once.
#include <immintrin.h>

#include <cstdint>

namespace {

constexpr int lanes = 16, across = 4;
using Sum = __m512i;

inline Sum zero() { return _mm512_setzero_si512(); }

inline Sum add(Sum sum, const std::int32_t *words, std::int32_t weight) {
    return _mm512_dpwssd_epi32(sum, _mm512_loadu_si512(words), _mm512_set1_epi32(weight));
}

inline void store(std::int32_t *to, Sum sum) { _mm512_storeu_si512(to, sum); }

}  // namespace

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels avx512_kernels{sums, hidden, logits, tell, join, widen};
}
