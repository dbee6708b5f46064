// Lines for NEON: two words a vector; a majority is one bit select.
#include <arm_neon.h>

#include <cstdint>

#define DOCBIN_INLINE __attribute__((always_inline)) inline

namespace {

using V = uint64x2_t;
constexpr int vector_words = 2;

inline V load(const std::uint64_t *p) { return vld1q_u64(p); }
inline void store(std::uint64_t *p, V v) { vst1q_u64(p, v); }
inline void store_part(std::uint64_t *p, V v, int) { vst1_u64(p, vget_low_u64(v)); }  // part of two is one
inline V zero() { return vdupq_n_u64(0); }
inline V spread(std::uint64_t word) { return vdupq_n_u64(word); }
inline V both(V a, V b) { return vandq_u64(a, b); }
inline V either(V a, V b) { return vorrq_u64(a, b); }
inline V differ(V a, V b) { return veorq_u64(a, b); }
inline V inverted(V a) { return vreinterpretq_u64_u8(vmvnq_u8(vreinterpretq_u8_u64(a))); }
inline V sum3(V a, V b, V c) { return veorq_u64(veorq_u64(a, b), c); }
inline V most3(V a, V b, V c) { return vbslq_u64(veorq_u64(a, b), c, a); }
inline V most3_turned(V a, V b, V c) { return vbslq_u64(veorq_u64(a, c), inverted(b), a); }
inline V left(V a, int n) { return vshlq_u64(a, vdupq_n_s64(n)); }
inline V right(V a, int n) { return vshlq_u64(a, vdupq_n_s64(-n)); }

// Eight pixels at a time: a lane's own bit of the byte, as a mask.
inline void expand(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int words, std::int16_t *out) {
    static const std::uint16_t bit_of[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint16x8_t own = vld1q_u16(bit_of);
    for (int octet = 0; octet < 8 * words; ++octet) {
        uint16x8_t p = vdupq_n_u16(0);
        const auto add = [&](const std::uint64_t *plane, int value) {
            const uint16x8_t here = vdupq_n_u16(static_cast<std::uint16_t>(plane[octet / 8] >> (8 * (octet % 8))));
            p = vaddq_u16(p, vandq_u16(vtstq_u16(here, own), vdupq_n_u16(static_cast<std::uint16_t>(value))));
        };
        int value = 1;
        if (last) add(last, value), value *= 2;
        for (int i = 0; i < count; ++i, value *= 2) add(digits + i * vector_words, value);
        const int16x8_t twice_p = vreinterpretq_s16_u16(vaddq_u16(p, p));
        vst1q_s16(out + 8 * octet, vsubq_s16(vdupq_n_s16(static_cast<std::int16_t>(total)), twice_p));
    }
}

}  // namespace

#include "lines_body.hpp"

namespace docbin::lines {
extern const Kernels neon_kernels{scratch, bits, dots, pool, widen, vector_words, "neon"};
}
