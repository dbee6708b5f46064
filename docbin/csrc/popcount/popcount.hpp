// The limit that a binary convolution by population counts cannot pass: what `docbin bench kernels` compares the bit-sliced one with.
#pragma once
#include <cstdint>

namespace docbin::popcount {

struct Kernels {
    // `rounds` x 16 times xor, population count and addition of vectors that never leave the registers. Returns how many +-1 products that is.
    std::int64_t (*count)(std::int64_t rounds);
    const char *instruction;  // that counts: "popcnt", "vpshufb" (a table look-up), "vpopcntdq", "cnt"
};

}  // namespace docbin::popcount
