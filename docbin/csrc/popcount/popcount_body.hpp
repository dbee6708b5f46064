// Population counts on registers, of the target's isa::BitCounts. DOCBIN_COUNTS_BY names the instruction.
#pragma once
#include "popcount/popcount.hpp"

// The x86 baseline has no POPCNT, but every CPU since 2008: the clone that uses it is chosen by the loader.
#if defined(DOCBIN_CLONE_POPCNT) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__)
#define DOCBIN_POPCNT __attribute__((target_clones("popcnt", "default")))
#else
#define DOCBIN_POPCNT
#endif

namespace docbin::popcount {
namespace {

DOCBIN_POPCNT std::int64_t count(std::int64_t rounds) {
    using C = isa::BitCounts;
    std::uint64_t words[8 * C::size];
    for (int i = 0; i < 8 * C::size; ++i) words[i] = 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(i + 1);
    C::V x[4], w[4], sum[8];
    for (int i = 0; i < 4; ++i) x[i] = C::load(words + C::size * i), w[i] = C::load(words + C::size * (4 + i));
    for (C::V &s : sum) s = C::zero();
    for (std::int64_t round = 0; round < rounds; ++round) {
        for (C::V &v : w) C::hide(v);
#if defined(__GNUC__)
#pragma GCC unroll 16
#endif
        for (int i = 0; i < 16; ++i) sum[i % 8] = C::add(sum[i % 8], x[i % 4], w[i / 4]);
    }
    for (C::V &s : sum) C::hide(s);
    return rounds * 16 * 64 * C::size;
}

constexpr Kernels table{count, DOCBIN_COUNTS_BY};

}  // namespace
}  // namespace docbin::popcount
