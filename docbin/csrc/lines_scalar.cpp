// Lines in plain C++: one word at a time.
#include <cstdint>

#define DOCBIN_INLINE inline

namespace {

using V = std::uint64_t;
constexpr int vector_words = 1;

inline V load(const std::uint64_t *p) { return *p; }
inline void store(std::uint64_t *p, V v) { *p = v; }
inline V zero() { return 0; }
inline V spread(std::uint64_t word) { return word; }
inline V both(V a, V b) { return a & b; }
inline V either(V a, V b) { return a | b; }
inline V differ(V a, V b) { return a ^ b; }
inline V inverted(V a) { return ~a; }
inline V left(V a, int n) { return a << n; }
inline V right(V a, int n) { return a >> n; }

inline void expand(const std::uint64_t *digits, const std::uint64_t *last, int count, int total, int, std::int16_t *out) {
    for (int x = 0; x < 64; ++x) {
        int p = 0, value = 1;
        if (last) p += static_cast<int>(*last >> x & 1), value = 2;
        for (int i = 0; i < count; ++i, value *= 2) p += static_cast<int>(digits[i] >> x & 1) * value;
        out[x] = static_cast<std::int16_t>(total - 2 * p);
    }
}

}  // namespace

#include "lines_plain.hpp"

#include "lines_body.hpp"

namespace docbin::lines {
extern const Kernels scalar_kernels{scratch, bits, dots, pool, widen, vector_words, "scalar"};
}
