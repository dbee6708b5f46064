// The row kernels of the first layer: plain loops of a fixed length, which the compiler turns into a level's vectors; compiled once a level by
// pixels_<level>.cpp. Four taps a turn, so that a sum is loaded and stored once for four products. No standard library in here.
#include "pixels.hpp"

namespace {

using docbin::pixels::Row;
using docbin::pixels::most_fan;
using docbin::pixels::tile;

inline std::int16_t product(std::int16_t a, std::int16_t w) { return static_cast<std::int16_t>(a * w); }

// Not inlined, else GCC 12 jams turns of the caller's loop together and forgets the vectors (3 instead of 30 GMAC/s).
#if defined(__GNUC__)
#define DOCBIN_APART __attribute__((noinline))
#else
#define DOCBIN_APART
#endif

template <class Sum>
DOCBIN_APART void add_four(const std::int16_t *const *rows, int at, const std::int16_t *w, Sum *__restrict sum) {
    const std::int16_t *__restrict a = rows[0] + at, *__restrict b = rows[1] + at, *__restrict c = rows[2] + at, *__restrict d = rows[3] + at;
    const std::int16_t wa = w[0], wb = w[1], wc = w[2], wd = w[3];
    for (int x = 0; x < tile; ++x) sum[x] = static_cast<Sum>(sum[x] + product(a[x], wa) + product(b[x], wb) + product(c[x], wc) + product(d[x], wd));
}

template <class Sum>
DOCBIN_APART void add_one(const std::int16_t *__restrict a, std::int16_t w, Sum *__restrict sum) {
    for (int x = 0; x < tile; ++x) sum[x] = static_cast<Sum>(sum[x] + product(a[x], w));
}

// Sum: int16 or int32; Part: unsigned of the same width, so that sums and bits share a vector's lanes.
template <class Sum, class Part>
inline void row_bits(const Row &r, const std::int32_t *threshold, std::int64_t pitch, int fan, std::uint64_t *out, std::int64_t stride) {
    constexpr int lane = 8 * sizeof(Part), parts = 64 / lane;
    for (int at = 0; at < r.width; at += tile) {
        alignas(64) Part bits[most_fan][parts][tile];
        for (int f = 0; f < fan; ++f)
            for (auto &part : bits[f])
                for (Part &x : part) x = 0;
        for (int o = 0; o < r.outs; ++o) {
            const std::int16_t *w = r.weights + static_cast<std::int64_t>(o) * r.taps;
            alignas(64) Sum sum[tile] = {};
            int t = 0;
            for (; t + 4 <= r.taps; t += 4) add_four(r.rows + t, at, w + t, sum);
            for (; t < r.taps; ++t) add_one(r.rows[t] + at, w[t], sum);
            const Part one = static_cast<Part>(Part{1} << o % lane);
            for (int f = 0; f < fan; ++f) {
                const Sum least = static_cast<Sum>(threshold[f * pitch + o]);
                Part *part = bits[f][o / lane];
                for (int x = 0; x < tile; ++x) part[x] = static_cast<Part>(part[x] | (sum[x] >= least ? one : Part{0}));
            }
        }
        const int n = r.width - at < tile ? r.width - at : tile;
        for (int f = 0; f < fan; ++f)
            for (int x = 0; x < n; ++x) {
                std::uint64_t word = 0;
                for (int k = 0; k < parts; ++k) word |= static_cast<std::uint64_t>(bits[f][k][x]) << (lane * k);
                out[f * stride + at + x] = word;
            }
    }
}

void narrow(const Row &r, const std::int32_t *threshold, std::int64_t pitch, int fan, std::uint64_t *out, std::int64_t stride) {
    row_bits<std::int16_t, std::uint16_t>(r, threshold, pitch, fan, out, stride);
}

void wide(const Row &r, const std::int32_t *threshold, std::int64_t pitch, int fan, std::uint64_t *out, std::int64_t stride) {
    row_bits<std::int32_t, std::uint32_t>(r, threshold, pitch, fan, out, stride);
}

}  // namespace
