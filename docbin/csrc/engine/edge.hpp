// The 8-bit step behind the head: two 3 x 3 convolutions of whole numbers over what a cell shows of the page and over the head's logits.
//
// Numbers are -127..127, weights too, and four channels share a word of unsigned bytes: what is seen is kept 128 higher (a sum starts that much lower), the
// hidden layer, 0..127, as it is. Sums are below 2^24 (checked when the network is made), whole in single precision. The two rescalings are one
// multiplication and one addition each, without contraction, and rounding is to the nearest, ties to even: every level, NumPy and PyTorch give the same page.
#pragma once
#include <cstdint>
#include <vector>

#include "levels.hpp"
#include "engine/stem.hpp"

namespace docbin::edge {

inline constexpr std::int64_t block = 64;  // cells that are taken at a time
inline constexpr float logit_unit = 8.0f;

// Weights [outs / 4][3][3][quads][4] and what each filter's sum starts at. A level that multiplies bytes takes `words`, four weights each; one that multiplies
// 16-bit pairs takes `pairs`, two words in the place of one: the weights of the channels 0 and 2, then those of 1 and 3.
struct Taps {
    const std::int32_t *words, *pairs, *start;
    int outs;
};

struct Weights {
    std::vector<std::int32_t> words, pairs, start;
    Taps taps() const { return {words.data(), pairs.data(), start.data(), static_cast<int>(start.size())}; }
};

// A row of a map: for each quad of channels `pitch` words, one a cell, the first channel in the lowest byte; cell x is word x + 1.
struct Kernels {
    // For 4 filters after the other: out[o * n + x] = start[o] + sum over 3 rows, 3 columns and all quads; n a multiple of `block`.
    void (*sums)(const std::int32_t *const *rows, int quads, std::int64_t pitch, const Taps &taps, std::int64_t n, std::int32_t *out);
    // One quad of the hidden layer from sums [4][n]: each byte is clamp(round(factor * sum + offset), 0, 127).
    void (*hidden)(const std::int32_t *sums, const float *factor, const float *offset, std::int64_t n, std::int32_t *out);
    void (*logits)(const std::int32_t *sums, const std::int8_t *quantized, float factor, float offset, std::int64_t n, float *out);
    void (*quantize)(const float *logits, std::int64_t n, std::int8_t *out);
    // Four channels -127..127 to the words of their quad, 128 higher.
    void (*join)(const std::int16_t *const *channels, std::int64_t n, std::int32_t *out);
    void (*widen)(const std::int8_t *from, std::int64_t n, std::int16_t *out);
};

struct Filters {
    int channels = 0, hidden = 0;  // of the first convolution's input and output
    Weights first, second;
    std::vector<float> first_factor, first_offset, second_factor, second_offset;
};

// Checks sizes and sums (std::invalid_argument) and packs int8 weights [outs][channels][3][3].
Filters make_filters(int channels, int hidden, const std::int8_t *first, const std::int8_t *second, const float *const (&scales)[4]);

// The head's logits of a page, quantized to eighths: [pixel of the cell][cells_high][pitch].
struct QuantizedLogits {
    std::vector<std::int8_t> levels;
    std::int64_t high = 0, pitch = 0;
    std::int8_t *row(int pixel, std::int64_t y) { return levels.data() + (pixel * high + y) * pitch; }
    const std::int8_t *row(int pixel, std::int64_t y) const { return levels.data() + (pixel * high + y) * pitch; }
};

// Cell rows [top, bottom) of the page: logits or ink (the other is null), rows of the page's width.
void run(Level level, const Filters &filters, const stem::Codes &codes, const stem::Page &page, const QuantizedLogits &quantized, std::int64_t top, std::int64_t bottom,
         float *logits, std::uint8_t *ink);

}  // namespace docbin::edge
