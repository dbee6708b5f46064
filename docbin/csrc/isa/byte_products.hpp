// Products of bytes in plain loops, for the targets whose compiler finds the level's multiply-add by itself (scalar, NEON).
#pragma once
#include <cstdint>

namespace docbin::isa {
namespace {

struct PlainByteProducts {
    static constexpr int lanes = 16, across = 1, step = 2;
    struct Sum {
        std::int32_t of[lanes];
    };
    static Sum from(std::int32_t start) {
        Sum sum;
        for (std::int32_t &one : sum.of) one = start;
        return sum;
    }
    static Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
        const std::int32_t w0 = static_cast<std::int16_t>(weight[0]), w1 = static_cast<std::int16_t>(weight[1]), w2 = weight[0] >> 16, w3 = weight[1] >> 16;
        for (int x = 0; x < lanes; ++x) {
            const auto four = static_cast<std::uint32_t>(words[x]);
            sum.of[x] += static_cast<std::int32_t>(four & 255) * w0 + static_cast<std::int32_t>(four >> 8 & 255) * w1;
            sum.of[x] += static_cast<std::int32_t>(four >> 16 & 255) * w2 + static_cast<std::int32_t>(four >> 24) * w3;
        }
        return sum;
    }
    static void store(std::int32_t *to, const Sum &sum) {
        for (int x = 0; x < lanes; ++x) to[x] = sum.of[x];
    }
};

}  // namespace
}  // namespace docbin::isa
