// The stem for NEON: comparisons of 8 pixels, narrowed to bytes; a byte keeps its own bit, and pairwise sums gather eight bytes in one.
#include <arm_neon.h>

#include <cstdint>

namespace {

template <class Least> inline std::uint64_t reach(const std::int16_t *pixels, Least least) {
    static const std::uint8_t bit_of[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t own = vld1q_u8(bit_of);
    const auto bytes = [&](int at) {
        const uint8x8_t low = vmovn_u16(vcgeq_s16(vld1q_s16(pixels + at), least(at)));
        const uint8x8_t high = vmovn_u16(vcgeq_s16(vld1q_s16(pixels + at + 8), least(at + 8)));
        return vandq_u8(vcombine_u8(low, high), own);
    };
    const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(bytes(0), bytes(16)), vpaddq_u8(bytes(32), bytes(48)));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}

inline std::uint64_t reaches(const std::int16_t *pixels, const std::int16_t *least) {
    return reach(pixels, [=](int at) { return vld1q_s16(least + at); });
}

inline std::uint64_t reaches_level(const std::int16_t *pixels, std::int16_t level) {
    const int16x8_t all = vdupq_n_s16(level);
    return reach(pixels, [=](int) { return all; });
}

}  // namespace

#include "stem_body.hpp"

namespace docbin::stem {
extern const Kernels neon_kernels{split, cells, moments, least, compare, compare_level, scores};
}
