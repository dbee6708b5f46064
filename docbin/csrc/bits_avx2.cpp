// The row kernels for AVX2, which has no vector popcount: a lane is a pixel, four pixels a vector, bits counted by a 16-entry table look-up
// (VPSHUFB; Mula, Kurz, Lemire 2018) and gathered per byte. A byte grows by at most 8 a tap, so it is emptied into the 64-bit lane every 31 taps.
#include <immintrin.h>

#include "bits_epilogue.hpp"

namespace docbin::bits {
namespace {

inline __m256i byte_counts(__m256i d) {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(d, low)),
                           _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(d, 4), low)));
}

template <int Vectors, bool Masked>
inline void count(const Row &r, int at, int o, __m256i (&p)[Vectors]) {
    const std::int64_t skip = static_cast<std::int64_t>(o) * r.taps;
    const std::uint64_t *w = r.weights + skip, *m = Masked ? r.masks + skip : nullptr;
    const __m256i zero = _mm256_setzero_si256();
    for (int v = 0; v < Vectors; ++v) p[v] = zero;
    for (int from = 0; from < r.taps; from += 31) {
        const int to = from + 31 < r.taps ? from + 31 : r.taps;
        __m256i sum[Vectors];
        for (int v = 0; v < Vectors; ++v) sum[v] = zero;
        for (int t = from; t < to; ++t) {
            const __m256i word = _mm256_set1_epi64x(static_cast<long long>(w[t]));
            const std::uint64_t *row = r.rows[t] + at;
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) {
                __m256i d = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + 4 * v)), word);
                if constexpr (Masked) d = _mm256_and_si256(d, _mm256_set1_epi64x(static_cast<long long>(m[t])));
                sum[v] = _mm256_add_epi8(sum[v], byte_counts(d));
            }
        }
        for (int v = 0; v < Vectors; ++v) p[v] = _mm256_add_epi64(p[v], _mm256_sad_epu8(sum[v], zero));
    }
}

constexpr int vectors = 4;

inline void store_words(std::uint64_t *to, const __m256i (&word)[vectors], int left) {
    alignas(32) std::uint64_t done[4 * vectors];
    for (int v = 0; v < vectors; ++v) _mm256_store_si256(reinterpret_cast<__m256i *>(done + 4 * v), word[v]);
    for (int i = 0; i < (left < 4 * vectors ? left : 4 * vectors); ++i) to[i] = done[i];
}

template <bool Masked>
void bits_row(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    for (int at = 0; at < r.width; at += 4 * vectors) {
        __m256i word[vectors], word2[vectors], p[vectors];
        for (int v = 0; v < vectors; ++v) word[v] = word2[v] = _mm256_setzero_si256();
        for (int o = 0; o < r.outs; ++o) {
            count<vectors, Masked>(r, at, o, p);
            const __m256i most = _mm256_set1_epi64x(limit[o]), bit = _mm256_set1_epi64x(static_cast<long long>(1ULL << o));
            for (int v = 0; v < vectors; ++v) word[v] = _mm256_or_si256(word[v], _mm256_andnot_si256(_mm256_cmpgt_epi64(p[v], most), bit));
            if (!limit2) continue;
            const __m256i most2 = _mm256_set1_epi64x(limit2[o]);
            for (int v = 0; v < vectors; ++v) word2[v] = _mm256_or_si256(word2[v], _mm256_andnot_si256(_mm256_cmpgt_epi64(p[v], most2), bit));
        }
        store_words(out + at, word, r.width - at);
        if (limit2) store_words(out2 + at, word2, r.width - at);
    }
}

template <bool Masked>
void dots_row(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    for (int at = 0; at < r.width; at += 4 * vectors) {
        const int n = r.width - at < 4 * vectors ? r.width - at : 4 * vectors;
        for (int o = 0; o < r.outs; ++o) {
            __m256i p[vectors];
            count<vectors, Masked>(r, at, o, p);
            alignas(32) std::uint64_t done[4 * vectors];
            for (int v = 0; v < vectors; ++v) _mm256_store_si256(reinterpret_cast<__m256i *>(done + 4 * v), p[v]);
            for (int i = 0; i < n; ++i) out[o * stride + at + i] = static_cast<std::int16_t>(total[o] - 2 * static_cast<int>(done[i]));
        }
    }
}

void row_bits(const Row &r, const std::int32_t *limit, std::uint64_t *out, const std::int32_t *limit2, std::uint64_t *out2) {
    r.masks ? bits_row<true>(r, limit, out, limit2, out2) : bits_row<false>(r, limit, out, limit2, out2);
}

void row_dots(const Row &r, const std::int32_t *total, std::int16_t *out, std::int64_t stride) {
    r.masks ? dots_row<true>(r, total, out, stride) : dots_row<false>(r, total, out, stride);
}

std::int64_t ceiling(std::int64_t rounds) {
    alignas(32) std::uint64_t words[32];
    for (int i = 0; i < 32; ++i) words[i] = 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(i + 1);
    __m256i x[4], w[4], p[4];
    for (int i = 0; i < 4; ++i) {
        x[i] = _mm256_load_si256(reinterpret_cast<const __m256i *>(words + 4 * i));
        w[i] = _mm256_load_si256(reinterpret_cast<const __m256i *>(words + 16 + 4 * i));
        p[i] = _mm256_setzero_si256();
    }
    for (std::int64_t round = 0; round < rounds; ++round) {
        for (auto &v : w) asm volatile("" : "+x"(v));  // else the compiler would do the work once
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) p[i % 4] = _mm256_add_epi8(p[i % 4], byte_counts(_mm256_xor_si256(x[i % 4], w[i / 4])));
    }
    for (auto &sum : p) asm volatile("" : "+x"(sum));
    return rounds * 16 * 256;
}

}  // namespace

extern const Kernels avx2_kernels{row_bits, row_dots, affine, fixed, ceiling, "avx2"};

}  // namespace docbin::bits
