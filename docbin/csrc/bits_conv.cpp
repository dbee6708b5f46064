// Whole convolutions from row kernels: groups and blocks of 64 channels are settled here, once, for every level.
#include <algorithm>
#include <memory>
#include <vector>

#include "bits.hpp"
#include "padded_map.hpp"

namespace docbin::bits {
namespace {

using Map = PaddedMap<std::uint64_t>;

Map padded(const Shape &s, const std::uint64_t *map) {
    return Map(map, s.words_in, s.height, s.width, s.pad, s.stride, s.dilation, s.pad_bit ? ~0ULL : 0ULL);
}

// Calls each(first output channel, channels, row) for every group and every 64 channels of output row y.
template <class Each>
void for_blocks(const Shape &s, const Map &map, const std::uint64_t *weights, const std::uint64_t *masks, int y, Each each) {
    const int taps = s.taps(), words = s.words_in / s.groups, outs = s.outs / s.groups;
    std::vector<const std::uint64_t *> rows(taps);
    for (int g = 0; g < s.groups; ++g) {
        int t = 0;
        for (int j = 0; j < words; ++j)
            for (int ky = 0; ky < s.kernel_h; ++ky)
                for (int kx = 0; kx < s.kernel_w; ++kx) rows[t++] = map.tap(g * words + j, y * s.stride + ky * s.dilation, kx);
        for (int o = 0; o < outs; o += 64) {
            const int first = g * outs + o;
            const std::int64_t skip = static_cast<std::int64_t>(first) * taps;
            each(first, Row{rows.data(), taps, weights + skip, masks ? masks + skip : nullptr, std::min(64, outs - o), s.out_width()});
        }
    }
}

// Dot products of a row and 64 channels, then the epilogue channel by channel while they are in the cache.
template <class Channel, class Value, class Part>
void conv_values(const Kernels &kernel, Epilogue<Channel, Value, Part> epilogue, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights,
                 const std::uint64_t *masks, const std::int32_t *total, const Channel *channels, Residual where, const Value *residual, Value *out,
                 std::uint64_t *signs) {
    constexpr int lane = 8 * sizeof(Part), parts = 64 / lane;
    const Map field = padded(s, map);
    const int width = s.out_width();
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * width;
    const std::int64_t stride = ((width + 31) / 32 | 1) * 32;  // an odd number of cache lines, else the channels' rows would meet in a few sets of the cache
    for_rows(s.out_height(), s.threads, [&](int y) {
        const auto dots = std::make_unique_for_overwrite<std::int16_t[]>(static_cast<std::size_t>(64 * stride));
        std::vector<Part> part(signs ? static_cast<std::size_t>(parts) * width : 0);
        for_blocks(s, field, weights, masks, y, [&](int first, const Row &row) {
            kernel.row_dots(row, total + first, dots.get(), stride);
            std::fill(part.begin(), part.end(), Part{0});
            for (int o = 0; o < row.outs; ++o) {
                const std::int64_t at = (first + o) * plane + static_cast<std::int64_t>(y) * width;
                epilogue(dots.get() + o * stride, width, channels[first + o], where, residual ? residual + at : nullptr, out + at,
                         signs ? part.data() + o / lane * width : nullptr, o % lane);
            }
            if (!signs) return;
            std::uint64_t *to = signs + first / 64 * plane + static_cast<std::int64_t>(y) * width;
            for (int x = 0; x < width; ++x) {
                std::uint64_t word = 0;
                for (int k = 0; k < parts; ++k) word |= static_cast<std::uint64_t>(part[static_cast<std::size_t>(k) * width + x]) << (lane * k);
                to[x] = word;
            }
        });
    });
}

}  // namespace

void conv_bits(Level level, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks,
               const std::int32_t *limit, std::uint64_t *out) {
    const Kernels &kernel = kernels(level);
    const Map field = padded(s, map);
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * s.out_width(), fan_stride = (s.outs + 63) / 64 * plane;
    for_rows(s.out_height(), s.threads, [&](int y) {
        for_blocks(s, field, weights, masks, y, [&](int first, const Row &row) {
            std::uint64_t *to = out + first / 64 * plane + static_cast<std::int64_t>(y) * s.out_width();
            for (int f = 0; f < s.fan; f += 2) {
                const std::int32_t *here = limit + static_cast<std::int64_t>(f) * s.outs + first;
                const bool two = f + 1 < s.fan;
                kernel.row_bits(row, here, to + f * fan_stride, two ? here + s.outs : nullptr, two ? to + (f + 1) * fan_stride : nullptr);
            }
        });
    });
}

void conv_dots(Level level, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks,
               const std::int32_t *total, std::int16_t *out) {
    const Kernels &kernel = kernels(level);
    const Map field = padded(s, map);
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * s.out_width();
    for_rows(s.out_height(), s.threads, [&](int y) {
        for_blocks(s, field, weights, masks, y, [&](int first, const Row &row) {
            kernel.row_dots(row, total + first, out + first * plane + static_cast<std::int64_t>(y) * s.out_width(), plane);
        });
    });
}

void conv_affine(Level level, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *total,
                 const Affine *channels, Residual where, const float *residual, float *out, std::uint64_t *signs) {
    const Kernels &kernel = kernels(level);
    conv_values(kernel, kernel.affine, s, map, weights, masks, total, channels, where, residual, out, signs);
}

void conv_fixed(Level level, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks, const std::int32_t *total,
                const Fixed *channels, Residual where, const std::int16_t *residual, std::int16_t *out, std::uint64_t *signs) {
    const Kernels &kernel = kernels(level);
    conv_values(kernel, kernel.fixed, s, map, weights, masks, total, channels, where, residual, out, signs);
}

}  // namespace docbin::bits
