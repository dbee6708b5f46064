// 8-connected components of a mask as labelled runs, and the chessboard distance to a mask.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "metrics/counts.hpp"
#include "metrics/metrics_rows.hpp"

namespace docbin {

// What a page-sized array starts as.
enum class Start {
    zero,    // 0, and most of it will be touched: on huge pages where the system has them, for most of the time would otherwise go into mapping 4 kB at a time
    sparse,  // 0, and little of it will be touched
    any,     // as memory is: all of it will be written
};

void *page_memory(std::size_t size, Start start);  // throws std::bad_alloc

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

// Page-sized arrays, from the process's own allocator: what it keeps of freed memory is not cleared by the system anew.
template <class T>
class PageArray {
public:
    PageArray() = default;
    explicit PageArray(std::size_t size, Start start = Start::zero) : data_(static_cast<T *>(page_memory(size * sizeof(T), start))) {}
    T &operator[](std::size_t at) { return data_.get()[at]; }
    const T &operator[](std::size_t at) const { return data_.get()[at]; }
    T *data() { return data_.get(); }
    const T *data() const { return data_.get(); }

private:
    struct Release {
        void operator()(T *data) const { std::free(data); }
    };
    std::unique_ptr<T, Release> data_;
};

// One byte a pixel, with a frame of one byte around the page.
struct ByteMap {
    int height, width;
    std::size_t stride;
    PageArray<std::uint8_t> bytes;

    ByteMap(int height, int width, Start start = Start::zero)
        : height(height), width(width), stride(static_cast<std::size_t>(width) + 2), bytes(stride * (static_cast<std::size_t>(height) + 2), start) {}
    std::uint8_t *row(int y) { return bytes.data() + (static_cast<std::size_t>(y) + 1) * stride + 1; }
    const std::uint8_t *row(int y) const { return bytes.data() + (static_cast<std::size_t>(y) + 1) * stride + 1; }
};

// Chessboard distance of every pixel to the nearest set one, at most 255.
ByteMap chessboard(const BitMask &features, const metrics::Kernels &);

}  // namespace docbin
