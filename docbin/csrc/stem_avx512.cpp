// The stem for AVX-512: comparisons of 32 pixels straight into mask registers.
#include <immintrin.h>

#include <cstdint>

namespace {

template <class Least> inline std::uint64_t reach(const std::int16_t *pixels, Least least) {
    const std::uint64_t low = _mm512_cmpge_epi16_mask(_mm512_loadu_si512(pixels), least(0));
    const std::uint64_t high = _mm512_cmpge_epi16_mask(_mm512_loadu_si512(pixels + 32), least(32));
    return low | high << 32;
}

inline std::uint64_t reaches(const std::int16_t *pixels, const std::int16_t *least) {
    return reach(pixels, [=](int at) { return _mm512_loadu_si512(least + at); });
}

inline std::uint64_t reaches_level(const std::int16_t *pixels, std::int16_t level) {
    const __m512i all = _mm512_set1_epi16(level);
    return reach(pixels, [=](int) { return all; });
}

}  // namespace

#include "stem_body.hpp"

namespace docbin::stem {
extern const Kernels avx512_kernels{split, cells, moments, least, compare, compare_level, scores};
}
