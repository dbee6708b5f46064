#include "assessment/area_means.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <vector>

namespace docbin::assessment {
namespace {

using i64 = std::int64_t;

constexpr i64 together = 8;  // cells whose sums are taken side by side: an addition of floats waits for the one before it

// What each cell of a side covers: pixels first .. first + most - 1 with a weight each, of which those behind its last one are 0 and change no sum.
struct Cover {
    i64 cells, most = 0;
    std::vector<i64> first, count;
    std::vector<float> weights;  // most x padded

    Cover(i64 pixels, i64 wanted, i64 padded) : cells(wanted), first(padded, 0), count(padded, 0) {
        const double scale = static_cast<double>(pixels) / static_cast<double>(wanted);
        std::vector<std::vector<float>> found(wanted);
        for (i64 cell = 0; cell < wanted; ++cell) {
            const double begin = static_cast<double>(cell) * scale, end = begin + scale;
            const double size = std::min(scale, static_cast<double>(pixels) - begin);
            const i64 last = std::min(static_cast<i64>(std::floor(end)), pixels - 1);
            const i64 whole = std::min(static_cast<i64>(std::ceil(begin)), last);
            const bool before = static_cast<double>(whole) - begin > 1e-3;
            first[cell] = before ? whole - 1 : whole;
            if (before) found[cell].push_back(static_cast<float>((static_cast<double>(whole) - begin) / size));
            for (i64 pixel = whole; pixel < last; ++pixel) found[cell].push_back(static_cast<float>(1.0 / size));
            if (end - static_cast<double>(last) > 1e-3)
                found[cell].push_back(static_cast<float>(std::min(std::min(end - static_cast<double>(last), 1.0), size) / size));
            count[cell] = static_cast<i64>(found[cell].size());
            most = std::max(most, count[cell]);
        }
        weights.assign(static_cast<std::size_t>(most * padded), 0.0f);
        for (i64 cell = 0; cell < wanted; ++cell)
            for (i64 tap = 0; tap < count[cell]; ++tap) weights[static_cast<std::size_t>(tap * padded + cell)] = found[cell][static_cast<std::size_t>(tap)];
    }
};

std::uint8_t rounded(float value) { return static_cast<std::uint8_t>(std::clamp(std::lrint(value), 0L, 255L)); }

}  // namespace

void area_means(const std::uint8_t *plane, i64 height, i64 width, i64 every, int times, i64 out_height, i64 out_width, std::uint8_t *out) {
    const i64 rows = (height + every - 1) / every, columns = (width + every - 1) / every, row_step = width * every;
    const i64 padded = (out_width + together - 1) / together * together;
    const Cover across(columns, out_width, padded), down(rows, out_height, out_height);
    std::vector<float> line(static_cast<std::size_t>(columns + across.most), 0.0f), along(static_cast<std::size_t>(padded)), sums(along.size());
    const auto factor = static_cast<float>(times);
    const auto sum_along = [&](i64 y) {
        const std::uint8_t *row = plane + y * row_step;
        if (every == 1)
            for (i64 x = 0; x < columns; ++x) line[static_cast<std::size_t>(x)] = static_cast<float>(row[x]) * factor;
        else
            for (i64 x = 0; x < columns; ++x) line[static_cast<std::size_t>(x)] = static_cast<float>(row[x * every]) * factor;
        for (i64 cell = 0; cell < padded; cell += together) {
            float own[together] = {};
            const float *weights = across.weights.data() + cell;
            const float *places[together];
            for (i64 i = 0; i < together; ++i) places[i] = line.data() + across.first[static_cast<std::size_t>(cell + i)];
            for (i64 tap = 0; tap < across.most; ++tap, weights += padded)
                for (i64 i = 0; i < together; ++i) own[i] += places[i][tap] * weights[i];
            for (i64 i = 0; i < together; ++i) along[static_cast<std::size_t>(cell + i)] = own[i];
        }
    };
    i64 summed = -1;
    for (i64 y = 0; y < out_height; ++y) {
        for (i64 tap = 0; tap < down.count[static_cast<std::size_t>(y)]; ++tap) {
            const i64 from = down.first[static_cast<std::size_t>(y)] + tap;
            if (from != summed) sum_along(summed = from);  // a row that two cells share is summed once
            const float weight = down.weights[static_cast<std::size_t>(tap * out_height + y)];
            if (tap == 0)
                for (std::size_t x = 0; x < sums.size(); ++x) sums[x] = weight * along[x];
            else
                for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += weight * along[x];
        }
        for (i64 x = 0; x < out_width; ++x) *out++ = rounded(sums[static_cast<std::size_t>(x)]);
    }
}

}  // namespace docbin::assessment
