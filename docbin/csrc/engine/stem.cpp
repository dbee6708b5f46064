#include "engine/stem.hpp"

#include <algorithm>
#include <cmath>

#include "target.hpp"

namespace docbin::stem {
namespace {

std::size_t rounded(std::int64_t n) { return static_cast<std::size_t>((n + 63) / 64 * 64); }

}  // namespace

int Codes::half() const {
    int half = 0;
    for (const std::int32_t window : windows) half = std::max(half, window / 2);
    return half;
}

// The integral image holds, for row y, the sums over all cells of rows start_..y left of column left_ - half_ + j, at index j; so the corners of the
// windows of neighbouring cells are neighbours, at the page's edges too. A ring of as many rows as the widest window reaches is kept.
Rows::Rows(Level level, const Codes &codes, const Page &page, std::int64_t top, std::int64_t left, std::int64_t width)
    : kernels_(target(level).stem), codes_(codes), page_(page), y_(top), left_(left), width_(width), words_((width + 63) / 64), half_(codes.half()),
      first_(std::max<std::int64_t>(0, left - half_)), seen_(std::min(page.cells_wide, left + width + half_) - first_),
      taken_(std::max<std::int64_t>(0, top - half_)), start_(taken_), length_(static_cast<std::int64_t>(rounded(width)) + 2 * half_ + 64) {
    const std::size_t row = rounded(std::max(width, seen_));
    for (auto &ring : ring_) ring.assign(static_cast<std::size_t>((2 * half_ + 2) * length_), 0);
    sum_.assign(row, 0), square_.assign(row, 0), least_.assign(row, 0), mean_.assign(row, 0), spread_.assign(row, 0);
    for (auto &plane : pixels_)
        for (auto &pixels : plane) pixels.assign(row, 0);
    for (auto &pixels : around_) pixels.assign(row, 0);
    for (const std::int32_t window : codes.windows) {
        columns_.emplace_back(row, 1);
        for (std::int64_t x = 0, half = window / 2; x < width; ++x)
            columns_.back()[x] = static_cast<std::int32_t>(std::min(page.cells_wide, left + x + half + 1) - std::max<std::int64_t>(0, left + x - half));
    }
    for (std::int64_t k = 0; k < words_; ++k) {
        const std::int64_t n = std::min<std::int64_t>(64, width - 64 * k);
        valid_.push_back(n == 64 ? ~0ULL : (1ULL << n) - 1);
    }
}

void Rows::pixels(int plane, std::int64_t y, std::int64_t first, std::int64_t n, std::vector<std::int16_t> (&to)[4]) const {
    for (int dy = 0; dy < 2; ++dy) {
        const std::uint8_t *row = page_.planes[plane] + std::min(2 * y + dy, page_.height - 1) * page_.width;
        std::int16_t *even = to[2 * dy].data(), *odd = to[2 * dy + 1].data();
        const std::int64_t whole = std::clamp<std::int64_t>(page_.width / 2 - first, 0, n);
        kernels_.split(row + 2 * first, whole, even, odd);
        for (std::int64_t x = whole; x < n; ++x) {
            even[x] = row[std::min(2 * (first + x), page_.width - 1)];
            odd[x] = row[page_.width - 1];
        }
    }
}

const std::uint32_t *Rows::integral(std::int64_t y, int which) const { return ring_[which].data() + (y - start_ + 1) % (2 * half_ + 2) * length_; }

// Adds cell row y to the integral image.
void Rows::take(std::int64_t y) {
    pixels(0, y, first_, seen_, around_);
    const std::int16_t *const all[4] = {around_[0].data(), around_[1].data(), around_[2].data(), around_[3].data()};
    kernels_.cells(all, seen_, sum_.data(), square_.data());
    const std::int64_t before = first_ - (left_ - half_);  // positions left of the page
    for (int which = 0; which < 2; ++which) {
        const std::uint32_t *above = integral(y - 1, which), *cells = which ? square_.data() : sum_.data();
        auto *row = const_cast<std::uint32_t *>(integral(y, which));
        std::uint32_t total = 0;
        for (std::int64_t j = 0; j < before; ++j) row[j] = 0;
        for (std::int64_t j = 0; j < seen_; ++j) {
            row[before + j] = above[before + j] + total;
            total += cells[j];
        }
        for (std::int64_t j = before + seen_; j < length_; ++j) row[j] = above[j] + total;
    }
}

// Takes in the rows that the widest window around row y_ sees.
void Rows::take_window() {
    if (!codes_.windows.empty())
        for (; taken_ <= std::min(page_.cells_high - 1, y_ + half_); ++taken_) take(taken_);
}

// Mean and spread of a window around the cells of row y_.
void Rows::moments(std::size_t w, float *mean, float *spread) {
    const std::int32_t window = codes_.windows[w];
    const std::int64_t half = window / 2, top = std::max<std::int64_t>(-1, y_ - half - 1), bottom = std::min(page_.cells_high - 1, y_ + half);
    const std::int64_t edge = half_ - half;
    const std::uint32_t *sum[2] = {integral(top, 0) + edge, integral(bottom, 0) + edge};
    const std::uint32_t *square[2] = {integral(top, 1) + edge, integral(bottom, 1) + edge};
    kernels_.moments(sum, square, window, columns_[w].data(), static_cast<int>(bottom - top), codes_.floor, width_, mean, spread);
}

void Rows::next_moments(float *const *mean, float *const *spread) {
    take_window();
    for (std::size_t w = 0; w < codes_.windows.size(); ++w) moments(w, mean[w], spread[w]);
    ++y_;
}

void Rows::next_levels(std::int16_t *const *out) {
    take_window();
    int channel = 0;
    pixels(0, y_, left_, width_, pixels_[0]);
    for (std::size_t w = 0; w < codes_.windows.size(); ++w) {
        moments(w, mean_.data(), spread_.data());
        for (int p = 0; p < 4; ++p, ++channel) kernels_.scores(pixels_[0][p].data(), mean_.data(), spread_.data(), width_, out[channel]);
    }
    for (int plane = 0; plane < 2; ++plane) {
        if (plane && codes_.levels[plane].empty()) break;
        if (plane) pixels(plane, y_, left_, width_, pixels_[plane]);
        for (int p = 0; p < 4; ++p, ++channel)
            for (std::int64_t x = 0; x < width_; ++x) out[channel][x] = static_cast<std::int16_t>(pixels_[plane][p][x] / 2 - (plane ? 0 : 64));
    }
    ++y_;
}

void Rows::next(std::uint64_t *const *out) {
    take_window();
    int channel = 0;
    pixels(0, y_, left_, width_, pixels_[0]);
    for (std::size_t w = 0; w < codes_.windows.size(); ++w) {
        moments(w, mean_.data(), spread_.data());
        for (int k = 0; k < codes_.thetas; ++k) {
            kernels_.least(mean_.data(), spread_.data(), codes_.theta[w * codes_.thetas + k], width_, least_.data());
            for (int p = 0; p < 4; ++p, ++channel) kernels_.compare(pixels_[0][p].data(), least_.data(), valid_.data(), words_, out[channel]);
        }
    }
    for (int plane = 0; plane < 2; ++plane) {
        if (plane && !codes_.levels[plane].empty()) pixels(plane, y_, left_, width_, pixels_[plane]);
        for (const float level : codes_.levels[plane]) {
            const auto least = static_cast<std::int16_t>(std::ceil(std::min(std::max(level, 0.0f), 256.0f)));
            for (int p = 0; p < 4; ++p, ++channel) kernels_.compare_level(pixels_[plane][p].data(), least, valid_.data(), words_, out[channel]);
        }
    }
    ++y_;
}

}  // namespace docbin::stem
