// The stem for AVX2: comparisons of 16 pixels, narrowed to bytes and gathered by their sign bits.
#include <immintrin.h>

#include <cstdint>

namespace {

inline __m256i vector(const std::int16_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }

template <class Least> inline std::uint64_t reach(const std::int16_t *pixels, Least least) {
    std::uint64_t word = 0;
    for (int half = 0; half < 2; ++half) {
        const int at = 32 * half;
        const __m256i below = _mm256_cmpgt_epi16(least(at), vector(pixels + at)), below2 = _mm256_cmpgt_epi16(least(at + 16), vector(pixels + at + 16));
        const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(below, below2), 0xd8);
        word |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(~_mm256_movemask_epi8(bytes))) << at;
    }
    return word;
}

inline std::uint64_t reaches(const std::int16_t *pixels, const std::int16_t *least) {
    return reach(pixels, [=](int at) { return vector(least + at); });
}

inline std::uint64_t reaches_level(const std::int16_t *pixels, std::int16_t level) {
    const __m256i all = _mm256_set1_epi16(level);
    return reach(pixels, [=](int) { return all; });
}

}  // namespace

#include "stem_body.hpp"

namespace docbin::stem {
extern const Kernels avx2_kernels{split, cells, moments, least, compare, compare_level, scores};
}
