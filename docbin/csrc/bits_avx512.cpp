// The row kernels for AVX-512 with VPOPCNTDQ: a lane is a pixel, eight pixels a vector, one output channel after the other.
//
// A block of pixels keeps its tap words in registers (3x3 over one word: 9 taps x 2 vectors) while the 64 output channels stream by; each weight
// word is broadcast from L1. The threshold is a compare into a mask register and one masked OR, so no transposition and no horizontal sum is
// needed. Wider layers read their tap words from L1 again, four vectors a weight.
#include <immintrin.h>

#include "bits_epilogue.hpp"

namespace docbin::bits {
namespace {

inline __m512i broadcast(std::uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }

template <bool Masked>
inline __m512i unequal(__m512i x, std::uint64_t weight, const std::uint64_t *mask, int t) {
    const __m512i d = _mm512_xor_si512(x, broadcast(weight));
    if constexpr (Masked) return _mm512_popcnt_epi64(_mm512_and_si512(d, broadcast(mask[t])));
    (void)mask, (void)t;
    return _mm512_popcnt_epi64(d);
}

// Bit o of a word, in memory, so that it enters the masked OR as a broadcast operand.
alignas(64) constexpr auto bit_of = [] {
    struct {
        std::uint64_t at[64];
    } bits{};
    for (int o = 0; o < 64; ++o) bits.at[o] = 1ULL << o;
    return bits;
}();

// Runs `each(o, counts)` for every output channel of the `Vectors` x 8 pixels from `at`; the tap words of the block stay in registers.
template <int Taps, int Vectors, class Each>
inline void held(const Row &r, int at, Each each) {
    __m512i x[Taps][Vectors];
#pragma GCC unroll 32
    for (int t = 0; t < Taps; ++t)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) x[t][v] = _mm512_loadu_si512(r.rows[t] + at + 8 * v);
    const std::uint64_t *w = r.weights;
    for (int o = 0; o < r.outs; ++o, w += Taps) {
        __m512i p[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) p[v] = unequal<false>(x[0][v], w[0], nullptr, 0);
#pragma GCC unroll 32
        for (int t = 1; t < Taps; ++t)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) p[v] = _mm512_add_epi64(p[v], unequal<false>(x[t][v], w[t], nullptr, t));
        each(o, p);
    }
}

// The same for any number of taps: the block's tap words are copied once to aligned memory in L1 (a tap row shifted by one word would cross a
// cache line at every load) and read again for every channel.
constexpr int copied_taps = 96;

template <int Vectors, bool Masked, class Each>
inline void copied(const Row &r, int at, Each each) {
    alignas(64) std::uint64_t block[copied_taps * Vectors * 8];
    __m512i carried[64][Vectors];
    for (int from = 0; from < r.taps; from += copied_taps) {
        const int to = from + copied_taps < r.taps ? from + copied_taps : r.taps;
        for (int t = from; t < to; ++t)
            for (int v = 0; v < Vectors; ++v)
                _mm512_store_si512(block + ((t - from) * Vectors + v) * 8, _mm512_loadu_si512(r.rows[t] + at + 8 * v));
        const bool last = to == r.taps;
        for (int o = 0; o < r.outs; ++o) {
            const std::int64_t skip = static_cast<std::int64_t>(o) * r.taps;
            const std::uint64_t *w = r.weights + skip, *m = Masked ? r.masks + skip : nullptr, *words = block;
            __m512i p[Vectors];
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) p[v] = from ? carried[o][v] : _mm512_setzero_si512();
            for (int t = from; t < to; ++t, words += 8 * Vectors)
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v)
                    p[v] = _mm512_add_epi64(p[v], unequal<Masked>(_mm512_load_si512(words + 8 * v), w[t], m, t));
            if (last)
                each(o, p);
            else
                for (int v = 0; v < Vectors; ++v) carried[o][v] = p[v];
        }
    }
}

// Taps > 0: held in registers; 0: copied.
template <int Taps, int Vectors, bool Masked, class Each>
inline void channels(const Row &r, int at, Each each) {
    if constexpr (Taps > 0)
        held<Taps, Vectors>(r, at, each);
    else
        copied<Vectors, Masked>(r, at, each);
}

inline void store_words(std::uint64_t *to, __m512i words, int left) {
    if (left >= 8)
        _mm512_storeu_si512(to, words);
    else if (left > 0)
        _mm512_mask_storeu_epi64(to, static_cast<__mmask8>((1u << left) - 1), words);
}

template <int Taps, int Vectors, bool Masked, int Fan>
void bits_row(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    alignas(64) std::int64_t most[Fan][64];
    for (int o = 0; o < r.outs; ++o) most[0][o] = limit[o];
    if constexpr (Fan == 2)
        for (int o = 0; o < r.outs; ++o) most[1][o] = limit2[o];
    for (int at = 0; at < r.width; at += 8 * Vectors) {
        __m512i word[Fan][Vectors];
        for (auto &fan : word)
            for (auto &v : fan) v = _mm512_setzero_si512();
        channels<Taps, Vectors, Masked>(r, at, [&](int o, const __m512i(&p)[Vectors]) {
#pragma GCC unroll 2
            for (int f = 0; f < Fan; ++f)
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v)
                    word[f][v] = _mm512_mask_or_epi64(word[f][v], _mm512_cmple_epi64_mask(p[v], _mm512_set1_epi64(most[f][o])), word[f][v],
                                                      broadcast(bit_of.at[o]));
        });
        for (int v = 0; v < Vectors; ++v) store_words(out + at + 8 * v, word[0][v], r.width - at - 8 * v);
        if constexpr (Fan == 2)
            for (int v = 0; v < Vectors; ++v) store_words(out2 + at + 8 * v, word[1][v], r.width - at - 8 * v);
    }
}

template <int Taps, int Vectors, bool Masked>
void dots_row(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    for (int at = 0; at < r.width; at += 8 * Vectors) {
        channels<Taps, Vectors, Masked>(r, at, [&](int o, const __m512i(&p)[Vectors]) {
            const __m512i all = _mm512_set1_epi64(total[o]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) {
                const int left = r.width - at - 8 * v;
                if (left <= 0) break;
                const __m128i dot = _mm512_cvtepi64_epi16(_mm512_sub_epi64(all, _mm512_slli_epi64(p[v], 1)));
                std::int16_t *to = out + o * stride + at + 8 * v;
                if (left >= 8)
                    _mm_storeu_si128(reinterpret_cast<__m128i *>(to), dot);
                else
                    _mm_mask_storeu_epi16(to, static_cast<__mmask8>((1u << left) - 1), dot);
            }
        });
    }
}

template <int Fan>
void row_bits_fan(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    if (r.masks) return bits_row<0, 4, true, Fan>(r, limit, out, limit2, out2);
    switch (r.taps) {
        case 1: return bits_row<1, 4, false, Fan>(r, limit, out, limit2, out2);
        case 2: return bits_row<2, 4, false, Fan>(r, limit, out, limit2, out2);
        case 9: return bits_row<9, 2, false, Fan>(r, limit, out, limit2, out2);
        case 18: return bits_row<18, 1, false, Fan>(r, limit, out, limit2, out2);
        default: return bits_row<0, 4, false, Fan>(r, limit, out, limit2, out2);
    }
}

void row_bits(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    limit2 ? row_bits_fan<2>(r, limit, out, limit2, out2) : row_bits_fan<1>(r, limit, out, nullptr, nullptr);
}

void row_dots(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    if (r.masks) return dots_row<0, 4, true>(r, total, out, stride);
    if (r.taps == 9) return dots_row<9, 2, false>(r, total, out, stride);
    return dots_row<0, 4, false>(r, total, out, stride);
}

std::int64_t ceiling(std::int64_t rounds) {
    alignas(64) std::uint64_t words[64];
    for (int i = 0; i < 64; ++i) words[i] = 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(i + 1);
    __m512i x[4], w[4], p[8];
    for (int i = 0; i < 4; ++i) x[i] = _mm512_load_si512(words + 8 * i), w[i] = _mm512_load_si512(words + 32 + 8 * i);
    for (auto &sum : p) sum = _mm512_setzero_si512();
    for (std::int64_t round = 0; round < rounds; ++round) {
        for (auto &v : w) asm volatile("" : "+v"(v));  // else the compiler would do the work once
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) p[i % 8] = _mm512_add_epi64(p[i % 8], _mm512_popcnt_epi64(_mm512_xor_si512(x[i % 4], w[i / 4])));
    }
    for (auto &sum : p) asm volatile("" : "+v"(sum));
    return rounds * 16 * 512;
}

}  // namespace

extern const Kernels avx512_kernels{row_bits, row_dots, affine, fixed, ceiling, "avx512"};

}  // namespace docbin::bits
