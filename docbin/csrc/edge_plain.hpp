// Sums for the levels without multiply-add of 16-bit pairs in intrinsics: loops that the compiler turns into what the level has.
#include <cstdint>

namespace {

constexpr int lanes = 16, across = 1;
struct Sum {
    std::int32_t of[lanes];
};

inline Sum zero() { return {}; }

inline Sum add(Sum sum, const std::int32_t *words, std::int32_t weight) {
    const std::int32_t low = static_cast<std::int16_t>(weight), high = weight >> 16;
    for (int x = 0; x < lanes; ++x) sum.of[x] += static_cast<std::int16_t>(words[x]) * low + (words[x] >> 16) * high;
    return sum;
}

inline void store(std::int32_t *to, const Sum &sum) {
    for (int x = 0; x < lanes; ++x) to[x] = sum.of[x];
}

}  // namespace
