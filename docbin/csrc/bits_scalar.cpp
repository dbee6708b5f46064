// The row kernels in plain C++: one pixel, one output channel at a time, 64 weights an instruction where the baseline CPU counts bits.
#include <bit>

#include "bits_epilogue.hpp"

// The x86 baseline has no POPCNT; the clone for CPUs that have it is chosen by the loader.
#if defined(DOCBIN_X86) && defined(__GNUC__) && defined(__gnu_linux__)
#define DOCBIN_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define DOCBIN_POPCNT
#endif

namespace docbin::bits {
namespace {

#if defined(__GNUC__)
__attribute__((always_inline))
#endif
inline int unequal(const Row &r, int o, int x) {
    const std::uint64_t *w = r.weights + static_cast<std::int64_t>(o) * r.taps;
    const std::uint64_t *m = r.masks ? r.masks + static_cast<std::int64_t>(o) * r.taps : nullptr;
    int p = 0;
    if (m)
        for (int t = 0; t < r.taps; ++t) p += std::popcount((r.rows[t][x] ^ w[t]) & m[t]);
    else
        for (int t = 0; t < r.taps; ++t) p += std::popcount(r.rows[t][x] ^ w[t]);
    return p;
}

DOCBIN_POPCNT void row_bits(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    for (int x = 0; x < r.width; ++x) {
        std::uint64_t word = 0, word2 = 0;
        for (int o = 0; o < r.outs; ++o) {
            const int p = unequal(r, o, x);
            word |= static_cast<std::uint64_t>(p <= limit[o]) << o;
            if (limit2) word2 |= static_cast<std::uint64_t>(p <= limit2[o]) << o;
        }
        out[x] = word;
        if (limit2) out2[x] = word2;
    }
}

DOCBIN_POPCNT void row_dots(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    for (int o = 0; o < r.outs; ++o)
        for (int x = 0; x < r.width; ++x) out[o * stride + x] = static_cast<std::int16_t>(total[o] - 2 * unequal(r, o, x));
}

DOCBIN_POPCNT std::int64_t ceiling(std::int64_t rounds) {
    volatile std::uint64_t seed = 0x9e3779b97f4a7c15ULL;
    std::uint64_t x[4] = {seed, seed + 1, seed + 2, seed + 3}, w[4] = {seed + 4, seed + 5, seed + 6, seed + 7};
    std::uint64_t p[4] = {};
    for (std::int64_t round = 0; round < rounds; ++round) {
        for (int i = 0; i < 4; ++i) w[i] += static_cast<std::uint64_t>(round);
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j) p[i] += static_cast<std::uint64_t>(std::popcount(x[j] ^ w[i]));
    }
    seed = p[0] + p[1] + p[2] + p[3];
    return rounds * 16 * 64;
}

}  // namespace

extern const Kernels scalar_kernels{row_bits, row_dots, affine, fixed, ceiling, "scalar"};

}  // namespace docbin::bits
