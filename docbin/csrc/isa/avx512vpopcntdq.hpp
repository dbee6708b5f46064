// What VPOPCNTDQ adds to AVX-512: the population count of eight words in one instruction.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace docbin::isa {
namespace {

struct BitCounts {
    using V = __m512i;
    static constexpr int size = 8;
    static V load(const std::uint64_t *p) { return _mm512_loadu_si512(p); }
    static V zero() { return _mm512_setzero_si512(); }
    static V add(V sum, V a, V b) { return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a, b))); }
#if defined(__GNUC__)
    static void hide(V &v) { asm volatile("" : "+v"(v)); }
#else
    static void hide(V &) {}
#endif
};

}  // namespace
}  // namespace docbin::isa
