// 8-connected components of a mask as labelled runs, and the chessboard distance to a mask.
#pragma once
#include <cstdint>
#include <vector>

#include "metrics_counts.hpp"

namespace docbin {

struct Box {
    int top, left, bottom, right;  // inclusive
    bool holds(int y, int x) const { return y >= top && y <= bottom && x >= left && x <= right; }
};

struct Run {
    int y, begin, end;  // pixels begin <= x < end
    int label;          // 1 and up, in raster order of the components' first pixels
};

struct Components {
    std::vector<Run> runs;             // in raster order
    std::vector<std::size_t> row_at;   // runs of row y: row_at[y] to row_at[y + 1]
    std::vector<Box> boxes;            // by label; boxes[0] is unused

    int count() const { return static_cast<int>(boxes.size()) - 1; }
    // Label of a pixel, 0 where no run holds it.
    int label_at(int y, int x) const;
};

// Components of the mask, or of its complement within the page.
Components components(const BitMask &mask, bool complement);

// One byte a pixel, with a frame of one byte around the page.
struct ByteMap {
    int height, width;
    std::size_t stride;
    std::vector<std::uint8_t> bytes;

    ByteMap(int height, int width, std::uint8_t fill)
        : height(height), width(width), stride(static_cast<std::size_t>(width) + 2), bytes(stride * (static_cast<std::size_t>(height) + 2), fill) {}
    std::uint8_t *row(int y) { return bytes.data() + (static_cast<std::size_t>(y) + 1) * stride + 1; }
    const std::uint8_t *row(int y) const { return bytes.data() + (static_cast<std::size_t>(y) + 1) * stride + 1; }
};

// Chessboard distance of every pixel to the nearest set one, at most 255.
ByteMap chessboard(const BitMask &features);

}  // namespace docbin
