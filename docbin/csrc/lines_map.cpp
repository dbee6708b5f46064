#include "lines_map.hpp"

#include <algorithm>
#include <cstring>

#include "share.hpp"

namespace docbin::lines {
namespace {

constexpr std::int64_t guard = 8;  // words before the first line and after the last that a tap may look at

// The map with `reach` lines of padding above and below, and spare bits at every line's end.
struct Padded {
    std::int64_t pitch, stride;
    std::vector<std::uint64_t> words;
    std::vector<const std::uint64_t *> channels;

    Padded(const Shape &s, const std::uint64_t *map, int reach)
        : pitch(pitch_for(s.width, reach)), stride((s.height + 2 * reach) * pitch + guard), words(s.channels * stride + 2 * guard) {
        const std::vector<std::uint64_t> valid = valid_columns(s.width, pitch);
        const std::int64_t full = std::min(pitch, s.pitch);
        for (std::int64_t c = 0; c < s.channels; ++c) {
            std::uint64_t *first = words.data() + guard + c * stride + reach * pitch;
            channels.push_back(first);
            for (std::int64_t y = 0; y < s.height; ++y)
                for (std::int64_t k = 0; k < full; ++k) first[y * pitch + k] = map[(c * s.height + y) * s.pitch + k] & valid[k];
        }
    }
    Field field() const { return {channels.data(), pitch}; }
};

// Calls each(span, scratch) for every thread's share of the words.
template <class Each> void share_out(std::int64_t words, int threads, std::int64_t scratch_bytes, Each each) {
    const std::int64_t unit = 8, pieces = std::clamp<std::int64_t>(threads, 1, (words + unit - 1) / unit);
    const auto work = [&](int i) {
        std::vector<std::uint64_t> scratch(scratch_bytes / 8 + 8);
        const std::uintptr_t at = (reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) & ~static_cast<std::uintptr_t>(63);
        const std::int64_t blocks = (words + unit - 1) / unit;
        each(Span{blocks * i / pieces * unit, std::min(words, blocks * (i + 1) / pieces * unit)}, reinterpret_cast<void *>(at));
    };
    share(static_cast<int>(pieces), work);
}

// Transposes 64 x 64 bits: bit j of word i becomes bit i of word j (Hacker's Delight, 7-3).
void transpose(std::uint64_t (&x)[64]) {
    std::uint64_t mask = 0x00000000ffffffffULL;
    for (int j = 32; j; j >>= 1, mask ^= mask << j)
        for (int k = 0; k < 64; k = ((k | j) + 1) & ~j) {
            const std::uint64_t t = (x[k] >> j ^ x[k | j]) & mask;
            x[k] ^= t << j, x[k | j] ^= t;
        }
}

}  // namespace

void conv_bits(const Convolution &conv, const Shape &s, const std::uint64_t *map, std::uint64_t *out, int threads) {
    const Padded padded(s, map, conv.reach());
    const std::vector<std::uint64_t> valid = valid_columns(s.width, padded.pitch);
    std::vector<std::uint64_t *> to;
    for (int o = 0; o < conv.fan() * conv.outs(); ++o) to.push_back(out + o * s.height * padded.pitch);
    share_out(s.height * padded.pitch, threads, conv.scratch_bytes(),
          [&](Span span, void *scratch) { conv.bits(padded.field(), span, valid.data(), to.data(), scratch); });
}

void conv_dots(const Convolution &conv, const Shape &s, const std::uint64_t *map, std::int16_t *out, int threads) {
    const Padded padded(s, map, conv.reach());
    constexpr std::int64_t at_once = 8;
    share_out(s.height * padded.pitch, threads, conv.scratch_bytes(), [&](Span span, void *scratch) {
        std::vector<std::int16_t> dots(conv.outs() * at_once * 64);
        for (std::int64_t from = span.from; from < span.to; from += at_once) {
            const std::int64_t to = std::min(span.to, from + at_once);
            conv.dots(padded.field(), {from, to}, dots.data(), at_once * 64, scratch);
            for (std::int64_t word = from; word < to; ++word) {
                const std::int64_t y = word / padded.pitch, x = word % padded.pitch * 64, n = std::clamp<std::int64_t>(s.width - x, 0, 64);
                for (int o = 0; o < conv.outs(); ++o)
                    if (n) std::memcpy(out + (o * s.height + y) * s.width + x, dots.data() + (o * at_once + word - from) * 64, 2 * n);
            }
        }
    });
}

void from_words(const std::uint64_t *words, const Shape &s, std::uint64_t *lines) {
    std::uint64_t block[64];
    for (std::int64_t j = 0; j < s.channels / 64; ++j)
        for (std::int64_t y = 0; y < s.height; ++y)
            for (std::int64_t k = 0; k < s.pitch; ++k) {
                const std::uint64_t *from = words + (j * s.height + y) * s.width + 64 * k;
                for (std::int64_t x = 0; x < 64; ++x) block[x] = 64 * k + x < s.width ? from[x] : 0;
                transpose(block);
                for (int c = 0; c < 64; ++c) lines[((64 * j + c) * s.height + y) * s.pitch + k] = block[c];
            }
}

void to_words(const std::uint64_t *lines, const Shape &s, std::uint64_t *words) {
    std::uint64_t block[64];
    for (std::int64_t j = 0; j < s.channels / 64; ++j)
        for (std::int64_t y = 0; y < s.height; ++y)
            for (std::int64_t k = 0; 64 * k < s.width; ++k) {
                for (int c = 0; c < 64; ++c) block[c] = lines[((64 * j + c) * s.height + y) * s.pitch + k];
                transpose(block);
                std::memcpy(words + (j * s.height + y) * s.width + 64 * k, block, 8 * std::min<std::int64_t>(64, s.width - 64 * k));
            }
}

}  // namespace docbin::lines
