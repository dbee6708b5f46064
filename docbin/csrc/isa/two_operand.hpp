// Full-adder logic for the instruction sets without an operation of three operands (AVX-512's VPTERNLOG, NEON's bit select). `Logic` is the target's
// own and, or, xor and not; see isa/scalar.hpp for what the names mean.
#pragma once
#include <cstdint>

#include "isa/inlining.hpp"

namespace docbin::isa {
namespace {

template <class Logic> struct TwoOperandLogic : Logic {
    using V = typename Logic::V;
    static V xor3(V a, V b, V c) { return Logic::bit_xor(Logic::bit_xor(a, b), c); }
    static V majority(V a, V b, V c) { return Logic::bit_or(Logic::bit_and(a, b), Logic::bit_and(c, Logic::bit_xor(a, b))); }
    static V majority_not_b(V a, V b, V c) {
        return Logic::bit_or(Logic::bit_and(a, c), Logic::bit_and(Logic::bit_not(b), Logic::bit_xor(a, c)));
    }
    static void store_part(std::uint64_t *p, V v, int words) {
        std::uint64_t whole[Logic::size];
        Logic::store(whole, v);
        for (int i = 0; i < words; ++i) p[i] = whole[i];
    }
};

}  // namespace
}  // namespace docbin::isa
