// Maps in lines outside the engine: with their padding, and to and from channel words (bits.hpp).
#pragma once
#include <cstdint>
#include <vector>

#include "lines.hpp"
#include "lines_program.hpp"

namespace docbin::lines {

// A map of `channels` x `height` lines of `pitch` words.
struct Shape {
    std::int64_t channels, height, width, pitch;
};

inline std::int64_t pitch_for(std::int64_t width, int reach) { return (width + reach + 63) / 64; }

// Convolution of a map padded by -1, same size; `map` has shape (channels, height, map_pitch), out[fan * outs] lines have pitch_for(width, reach).
void conv_bits(const Convolution &, const Shape &, const std::uint64_t *map, std::uint64_t *out, int threads);
// The dot products, int16 [outs][height][width].
void conv_dots(const Convolution &, const Shape &, const std::uint64_t *map, std::int16_t *out, int threads);

// Channel words [words][height][width] to lines [64 * words][height][pitch] and back; spare bits are 0.
void from_words(const std::uint64_t *words, const Shape &, std::uint64_t *lines);
void to_words(const std::uint64_t *lines, const Shape &, std::uint64_t *words);

}  // namespace docbin::lines
