// Local thresholds for NEON (aarch64): four lanes.
#include "local_extreme.hpp"
#if defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>

namespace docbin {
namespace {

struct Quad {
    static constexpr int lanes = 4;
    using I = uint32x4_t;
    struct F {
        float32x4_t v;
        friend F operator+(F a, F b) { return {vaddq_f32(a.v, b.v)}; }
        friend F operator-(F a, F b) { return {vsubq_f32(a.v, b.v)}; }
        friend F operator*(F a, F b) { return {vmulq_f32(a.v, b.v)}; }
    };
    static I set(int value) { return vdupq_n_u32(static_cast<uint32_t>(value)); }
    static I widen(const uint8_t *p) {
        uint32_t four;
        std::memcpy(&four, p, 4);
        return vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four)))));
    }
    static I load(const uint32_t *p) { return vld1q_u32(p); }
    static void store(uint32_t *p, I a) { vst1q_u32(p, a); }
    static I add(I a, I b) { return vaddq_u32(a, b); }
    static I sub(I a, I b) { return vsubq_u32(a, b); }
    static I multiply(I a, I b) { return vmulq_u32(a, b); }
    static I scan(I a) {
        const I zero = vdupq_n_u32(0);
        a = vaddq_u32(a, vextq_u32(zero, a, 3));
        return vaddq_u32(a, vextq_u32(zero, a, 2));
    }
    static I last(I a) { return vdupq_laneq_u32(a, 3); }
    static void accumulate(int64_t *to, I a, uint32_t *coarse, int shift) {
        const int32x4_t change = vreinterpretq_s32_u32(a);
        const int64x2_t by = vdupq_n_s64(-shift);
        const int64x2_t low = vaddw_s32(vld1q_s64(to), vget_low_s32(change)), high = vaddw_s32(vld1q_s64(to + 2), vget_high_s32(change));
        vst1q_s64(to, low);
        vst1q_s64(to + 2, high);
        const int32x4_t narrow = vcombine_s32(vmovn_s64(vshlq_s64(low, by)), vmovn_s64(vshlq_s64(high, by)));
        vst1q_u32(coarse, vreinterpretq_u32_s32(narrow));
    }
    static F to_float(I a) { return {vcvtq_f32_s32(vreinterpretq_s32_u32(a))}; }
    static F fill(float v) { return {vdupq_n_f32(v)}; }
    static F load_float(const float *p) { return {vld1q_f32(p)}; }
    static F root(F a) { return {vsqrtq_f32(a.v)}; }
    static F absolute(F a) { return {vabsq_f32(a.v)}; }
    static F greater(F a, F b) { return {vmaxq_f32(a.v, b.v)}; }
    static bool all_greater(F a, F b) { return vminvq_u32(vcgtq_f32(a.v, b.v)) != 0; }
    static void store_ink(uint8_t *p, F a, F b) {
        const uint16x4_t is = vmovn_u32(vshrq_n_u32(vcleq_f32(a.v, b.v), 31));
        const uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(is, is))), 0);
        std::memcpy(p, &four, 4);
    }
};

}  // namespace

const LocalUnit neon_local_unit = unit<Quad>("neon");

}  // namespace docbin
#endif
