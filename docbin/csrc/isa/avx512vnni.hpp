// What VNNI adds to AVX-512: four products of bytes, added to a sum, in one instruction.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "isa/pair_products_x86.hpp"

namespace docbin::isa {
namespace {

struct ByteProducts {
    static constexpr int lanes = 16, across = 4, step = 1;
    using Sum = __m512i;
    static Sum from(std::int32_t start) { return _mm512_set1_epi32(start); }
    static Sum add(Sum sum, const std::int32_t *words, const std::int32_t *weight) {
        return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(words), _mm512_set1_epi32(*weight));
    }
    static void store(std::int32_t *to, Sum sum) { _mm512_storeu_si512(to, sum); }
};

}  // namespace
}  // namespace docbin::isa
