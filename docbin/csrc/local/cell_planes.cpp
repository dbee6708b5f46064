#include "local/cell_planes.hpp"

#include <algorithm>

#include "parallel.hpp"
#include "target.hpp"

namespace docbin::planes {
namespace {

using i64 = std::int64_t;

// A band of the region, one row of cells after the other.
//
// The integral image holds, for row y, the sums over all cells of rows start_..y left of column left_ - half_ + j, at index j; so the corners of the windows of
// neighbouring cells are neighbours, at the page's edges too. A ring of as many rows as the widest window reaches is kept.
class Rows {
public:
    Rows(const Kernels &kernels, const Page &page, const std::vector<Plane> &planes, i64 top, i64 left, i64 width)
        : kernels_(kernels), page_(page), planes_(planes), left_(left), width_(width) {
        for (const Plane &plane : planes)
            if (plane.kind == Kind::score) half_ = std::max<i64>(half_, plane.window / 2), scores_ = true;
        first_ = std::max<i64>(0, left - half_), seen_ = std::min(page.cells_wide, left + width + half_) - first_;
        taken_ = start_ = std::max<i64>(0, top - half_);
        length_ = width + 2 * half_ + 1;
        const auto row = static_cast<std::size_t>(std::max(width, seen_));
        if (scores_)
            for (auto &ring : ring_) ring.assign(static_cast<std::size_t>((2 * half_ + 2) * length_), 0);
        sum_.assign(row, 0), square_.assign(row, 0), mean_.assign(row, 0), spread_.assign(row, 0);
        for (auto &pixels : pixels_) pixels.assign(row, 0);
        for (auto &pixels : around_) pixels.assign(row, 0);
        for (const Plane &plane : planes) {
            columns_.emplace_back(plane.kind == Kind::score ? row : 0, 1);
            if (plane.kind != Kind::score) continue;
            for (i64 x = 0, half = plane.window / 2; x < width; ++x)
                columns_.back()[x] = static_cast<std::int32_t>(std::min(page.cells_wide, left + x + half + 1) - std::max<i64>(0, left + x - half));
        }
    }

    // Row y of the page's cells, later in every call: out + c * pitch is channel c of it.
    void fill(i64 y, float *out, i64 pitch) {
        if (scores_)
            for (; taken_ <= std::min(page_.cells_high - 1, y + half_); ++taken_) take(taken_);
        luma(y, left_, width_, pixels_);
        for (std::size_t p = 0; p < planes_.size(); ++p) {
            float *const to[4] = {out + (4 * p) * pitch, out + (4 * p + 1) * pitch, out + (4 * p + 2) * pitch, out + (4 * p + 3) * pitch};
            const Plane &plane = planes_[p];
            if (plane.kind == Kind::score) {
                moments(p, y);
                for (int k = 0; k < 4; ++k) kernels_.scores(pixels_[k].data(), mean_.data(), spread_.data(), plane.limit, width_, to[k]);
            } else if (plane.kind == Kind::grey) {
                for (int k = 0; k < 4; ++k) kernels_.greys(pixels_[k].data(), width_, to[k]);
            } else if (plane.kind == Kind::depth) {
                levels(page_.depth, 1, 0, y, to);
            } else {
                levels(page_.pixels, page_.channels, page_.channels == 1 ? 0 : static_cast<int>(plane.kind), y, to);
            }
        }
    }

private:
    i64 whole(i64 first, i64 n) const { return std::clamp<i64>(page_.width / 2 - first, 0, n); }

    void luma(i64 y, i64 first, i64 n, std::vector<std::int32_t> (&to)[4]) const {
        for (int dy = 0; dy < 2; ++dy) {
            const std::uint8_t *row = page_.pixels + std::min(2 * y + dy, page_.height - 1) * page_.width * page_.channels;
            std::int32_t *even = to[2 * dy].data(), *odd = to[2 * dy + 1].data();
            const i64 inside = whole(first, n);
            kernels_.luma(row + 2 * first * page_.channels, page_.channels, inside, even, odd);
            for (i64 x = inside; x < n; ++x) {
                even[x] = one(row + std::min(2 * (first + x), page_.width - 1) * page_.channels);
                odd[x] = one(row + (page_.width - 1) * page_.channels);
            }
        }
    }

    std::int32_t one(const std::uint8_t *pixel) const {
        return page_.channels == 1 ? 1000 * pixel[0] : 299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2];
    }

    void levels(const std::uint8_t *from, int channels, int channel, i64 y, float *const (&to)[4]) const {
        for (int dy = 0; dy < 2; ++dy) {
            const std::uint8_t *row = from + std::min(2 * y + dy, page_.height - 1) * page_.width * channels + channel;
            const i64 inside = whole(left_, width_);
            kernels_.levels(row + 2 * left_ * channels, channels, inside, to[2 * dy], to[2 * dy + 1]);
            for (i64 x = inside; x < width_; ++x) {
                to[2 * dy][x] = row[std::min(2 * (left_ + x), page_.width - 1) * channels];
                to[2 * dy + 1][x] = row[(page_.width - 1) * channels];
            }
        }
    }

    const std::uint64_t *integral(i64 y, int which) const { return ring_[which].data() + (y - start_ + 1) % (2 * half_ + 2) * length_; }

    // Adds cell row y to the integral image.
    void take(i64 y) {
        luma(y, first_, seen_, around_);
        const std::int32_t *const all[4] = {around_[0].data(), around_[1].data(), around_[2].data(), around_[3].data()};
        kernels_.sums(all, seen_, sum_.data(), square_.data());
        const i64 before = first_ - (left_ - half_);  // positions left of the page
        for (int which = 0; which < 2; ++which) {
            const std::uint64_t *above = integral(y - 1, which), *cells = which ? square_.data() : sum_.data();
            auto *row = const_cast<std::uint64_t *>(integral(y, which));
            std::uint64_t total = 0;
            for (i64 j = 0; j < before; ++j) row[j] = 0;
            for (i64 j = 0; j < seen_; ++j) {
                row[before + j] = above[before + j] + total;
                total += cells[j];
            }
            for (i64 j = before + seen_; j < length_; ++j) row[j] = above[j] + total;
        }
    }

    // mean_ and spread_ of a plane's window around the cells of row y.
    void moments(std::size_t plane, i64 y) {
        const int window = planes_[plane].window;
        const i64 half = window / 2, top = std::max<i64>(-1, y - half - 1), bottom = std::min(page_.cells_high - 1, y + half), edge = half_ - half;
        const std::uint64_t *sum[2] = {integral(top, 0) + edge, integral(bottom, 0) + edge};
        const std::uint64_t *square[2] = {integral(top, 1) + edge, integral(bottom, 1) + edge};
        kernels_.moments(sum, square, window, columns_[plane].data(), static_cast<int>(bottom - top), planes_[plane].floor, width_, mean_.data(), spread_.data());
    }

    const Kernels &kernels_;
    Page page_;
    const std::vector<Plane> &planes_;
    i64 left_, width_, half_ = 0, first_, seen_;  // columns [first_, first_ + seen_) are what any window sees
    i64 taken_, start_, length_;                  // cell rows below taken_ are in the integral image, whose first row is start_
    bool scores_ = false;
    std::vector<std::uint64_t> ring_[2], sum_, square_;
    std::vector<std::int32_t> pixels_[4], around_[4];
    std::vector<std::vector<std::int32_t>> columns_;  // [planes]: how many columns each cell's window has
    std::vector<float> mean_, spread_;
};

}  // namespace

void fill(Level level, const Page &page, const std::vector<Plane> &planes, i64 top, i64 left, i64 height, i64 width, float *out, int threads) {
    const Kernels &kernels = target(level).planes;
    const int bands = static_cast<int>(std::clamp<i64>(height / 64, 1, threads));  // a band begins with a window's rows
    in_parallel(bands, [&](int band) {
        const i64 begin = height * band / bands, end = height * (band + 1) / bands;
        Rows rows(kernels, page, planes, top + begin, left, width);
        for (i64 y = begin; y < end; ++y) rows.fill(top + y, out + y * width, height * width);
    });
}

}  // namespace docbin::planes
