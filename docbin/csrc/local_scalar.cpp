// Local thresholds for the baseline CPU: the vector type is four plain numbers. It is also the description of what a vector type must offer.
#include "local_extreme.hpp"

namespace docbin {
namespace {

struct Four {
    static constexpr int lanes = 4;
    struct I {
        uint32_t v[4];
    };
    struct F {
        float v[4];
        friend F operator+(F a, F b) { return {{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}}; }
        friend F operator-(F a, F b) { return {{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}}; }
        friend F operator*(F a, F b) { return {{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}}; }
    };
    // Integers modulo 2^32.
    static I set(int value) {
        const uint32_t v = static_cast<uint32_t>(value);
        return {{v, v, v, v}};
    }
    static I widen(const uint8_t *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static I load(const uint32_t *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static void store(uint32_t *p, I a) { std::memcpy(p, a.v, sizeof a.v); }
    static I add(I a, I b) { return {{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2], a.v[3] + b.v[3]}}; }
    static I sub(I a, I b) { return {{a.v[0] - b.v[0], a.v[1] - b.v[1], a.v[2] - b.v[2], a.v[3] - b.v[3]}}; }
    // Signed product of numbers of at most 16 bits.
    static I multiply(I a, I b) { return {{a.v[0] * b.v[0], a.v[1] * b.v[1], a.v[2] * b.v[2], a.v[3] * b.v[3]}}; }
    // Running sums a0, a0 + a1, ...; and the last lane in all lanes.
    static I scan(I a) { return {{a.v[0], a.v[0] + a.v[1], a.v[0] + a.v[1] + a.v[2], a.v[0] + a.v[1] + a.v[2] + a.v[3]}}; }
    static I last(I a) { return {{a.v[3], a.v[3], a.v[3], a.v[3]}}; }
    // to[i] += a[i] (signed) in 64 bits; coarse[i] = the low 32 bits of to[i] >> shift, shift < 32.
    static void accumulate(int64_t *to, I a, uint32_t *coarse, int shift) {
        for (int i = 0; i < 4; ++i) {
            to[i] += static_cast<int32_t>(a.v[i]);
            coarse[i] = static_cast<uint32_t>(to[i] >> shift);
        }
    }
    static F to_float(I a) {
        const auto f = [](uint32_t v) { return static_cast<float>(static_cast<int32_t>(v)); };
        return {{f(a.v[0]), f(a.v[1]), f(a.v[2]), f(a.v[3])}};
    }
    static F fill(float v) { return {{v, v, v, v}}; }
    static F load_float(const float *p) { return {{p[0], p[1], p[2], p[3]}}; }
    static F root(F a) { return {{std::sqrt(a.v[0]), std::sqrt(a.v[1]), std::sqrt(a.v[2]), std::sqrt(a.v[3])}}; }
    static F absolute(F a) { return {{std::fabs(a.v[0]), std::fabs(a.v[1]), std::fabs(a.v[2]), std::fabs(a.v[3])}}; }
    static F greater(F a, F b) {
        const auto f = [](float x, float y) { return x > y ? x : y; };
        return {{f(a.v[0], b.v[0]), f(a.v[1], b.v[1]), f(a.v[2], b.v[2]), f(a.v[3], b.v[3])}};
    }
    // Whether a > b in every lane (false where any is not a number).
    static bool all_greater(F a, F b) { return (a.v[0] > b.v[0]) & (a.v[1] > b.v[1]) & (a.v[2] > b.v[2]) & (a.v[3] > b.v[3]); }
    // One byte a lane: 1 where a <= b.
    static void store_ink(uint8_t *p, F a, F b) {
        for (int i = 0; i < 4; ++i) p[i] = a.v[i] <= b.v[i];
    }
};

}  // namespace

const LocalUnit scalar_local_unit = unit<Four>("scalar");

}  // namespace docbin
