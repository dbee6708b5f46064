// The edge step for AVX-512: VNNI multiplies four bytes by four and adds them to the sum at once.
#include <immintrin.h>

#include <cstdint>

#include "edge.hpp"

namespace {

constexpr int lanes = 16, across = 4, step = 1;
using Sum = __m512i;

inline const std::int32_t *weights_of(const docbin::edge::Taps &taps) { return taps.words; }

inline Sum from(std::int32_t start) { return _mm512_set1_epi32(start); }

inline Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
    return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(words), _mm512_set1_epi32(*weight));
}

inline void store(std::int32_t *to, Sum sum) { _mm512_storeu_si512(to, sum); }

}  // namespace

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels avx512_kernels{sums, hidden, logits, tell, join, widen};
}
