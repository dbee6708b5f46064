// Products of pairs of 16-bit numbers in plain loops, for the targets whose compiler finds the level's multiply-add by itself (scalar, NEON).
#pragma once
#include <cstdint>

namespace docbin::isa {
namespace {

struct PlainPairProducts {
    struct Pairs {
        std::int16_t of[16];
    };
    struct Sum {
        std::int32_t of[8];
    };
    static Sum zero() { return {}; }
    static Pairs load(const std::int16_t *p) {
        Pairs pairs;
        for (int k = 0; k < 16; ++k) pairs.of[k] = p[k];
        return pairs;
    }
    static Pairs broadcast(const std::int16_t *pair) {
        Pairs pairs;
        for (int k = 0; k < 16; ++k) pairs.of[k] = pair[k % 2];
        return pairs;
    }
    static Sum add(Sum sum, const Pairs &a, const Pairs &b) {
        for (int o = 0; o < 8; ++o) sum.of[o] += static_cast<std::int32_t>(a.of[2 * o]) * b.of[2 * o] + static_cast<std::int32_t>(a.of[2 * o + 1]) * b.of[2 * o + 1];
        return sum;
    }
    static Pairs zip(const std::int16_t *first, const std::int16_t *second) {
        Pairs pairs;
        for (int c = 0; c < 8; ++c) pairs.of[2 * c] = first[c], pairs.of[2 * c + 1] = second[c];
        return pairs;
    }
    static void finish(const Sum &sum, const std::int16_t *residual, const float *factor, const float *offset, float low, float high, std::int16_t *out) {
        for (int o = 0; o < 8; ++o) {
            const float scaled = static_cast<float>(sum.of[o]) * factor[o];
            float value = scaled + offset[o];
            if (residual) value = value + static_cast<float>(residual[o]);
            value = value > low ? value : low;
            value = value < high ? value : high;
            const float shifted = value + 12582912.0f;  // 1.5 * 2^23, which leaves no room for a fraction: to the nearest, ties to even
            out[o] = static_cast<std::int16_t>(static_cast<std::int32_t>(shifted - 12582912.0f));
        }
    }
};

}  // namespace
}  // namespace docbin::isa
