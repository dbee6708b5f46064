// What AVX-512 has an instruction for, of two-operand logic; included by the other units after their vector, before lines_body.hpp.
namespace {

inline V sum3(V a, V b, V c) { return differ(differ(a, b), c); }
inline V most3(V a, V b, V c) { return either(both(a, b), both(c, differ(a, b))); }
inline V most3_turned(V a, V b, V c) { return either(both(a, c), both(inverted(b), differ(a, c))); }

inline void store_part(std::uint64_t *p, V v, int words) {
    std::uint64_t whole[vector_words];
    store(whole, v);
    for (int i = 0; i < words; ++i) p[i] = whole[i];
}

}  // namespace
