// The stem for the baseline CPU (little-endian, as all of docbin's packed files are).
#include <string.h>

#include <cstdint>

namespace {

// Comparisons to bytes 0 and 1; a product then gathers eight of them: byte i, at bit 8 i, is moved to bit 56 + i.
template <class Least> inline std::uint64_t reach(const std::int16_t *pixels, Least least) {
    std::uint8_t bytes[64];
    for (int i = 0; i < 64; ++i) bytes[i] = pixels[i] >= least(i);
    std::uint64_t word = 0;
    for (int octet = 0; octet < 8; ++octet) {
        std::uint64_t eight;
        memcpy(&eight, bytes + 8 * octet, 8);
        word |= eight * 0x0102040810204080ULL >> 56 << (8 * octet);
    }
    return word;
}

inline std::uint64_t reaches(const std::int16_t *pixels, const std::int16_t *least) {
    return reach(pixels, [=](int i) { return least[i]; });
}

inline std::uint64_t reaches_level(const std::int16_t *pixels, std::int16_t level) {
    return reach(pixels, [=](int) { return level; });
}

}  // namespace

#include "stem_body.hpp"

namespace docbin::stem {
extern const Kernels scalar_kernels{split, cells, moments, least, compare, compare_level, scores};
}
