// A page at a quarter of its size: sums of colours and the darkest grey of every 4 x 4 pixels.
#pragma once
#include <cstdint>

namespace docbin::fixed {

struct Pixels {
    const std::uint8_t *page, *grey;
    int channels;  // of the page: 1 or 3
    std::int64_t height, width;
};

// Rows of `wide` cells, four numbers each: 2 * sum - 4080 of red, green and blue, 32 * darkest - 4080. Cells beyond the page repeat its last.
void shrunk(const Pixels &pixels, std::int64_t high, std::int64_t wide, std::int16_t *out, int threads);

}  // namespace docbin::fixed
