// The first layer from its row kernels.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "padded_map.hpp"
#include "pixels.hpp"

namespace docbin::pixels {
namespace {

static_assert(tile <= lane_slack);

bool sums_fit_int16(const Shape &s, const std::int8_t *weights) {
    for (int o = 0; o < s.outs; ++o) {
        std::int64_t sum = 0;
        for (int t = 0; t < s.taps(); ++t) sum += std::abs(static_cast<int>(*weights++));
        if (255 * sum > 32767) return false;
    }
    return true;
}

}  // namespace

void conv(Level level, const Shape &s, const std::uint8_t *picture, const std::int8_t *weights, const std::int32_t *threshold, std::uint64_t *out) {
    const bool fits = sums_fit_int16(s, weights);
    const RowBits row_bits = fits ? kernels(level).narrow : kernels(level).wide;
    const std::vector<std::int16_t> wider(weights, weights + static_cast<std::int64_t>(s.outs) * s.taps());
    std::vector<std::int32_t> limit(threshold, threshold + static_cast<std::int64_t>(s.fan) * s.outs);
    if (fits)  // sums are within +-32640, so a threshold of +-32767 is never or always reached, as are those beyond
        for (std::int32_t &least : limit) least = std::clamp(least, -32767, 32767);
    const PaddedMap<std::int16_t> field(picture, s.planes, s.height, s.width, s.pad, s.stride, s.dilation, static_cast<std::int16_t>(s.pad_value));
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * s.out_width(), fan_stride = (s.outs + 63) / 64 * plane;
    for_rows(s.out_height(), s.threads, [&](int y) {
        std::vector<const std::int16_t *> rows;
        rows.reserve(static_cast<std::size_t>(s.taps()));
        for (int j = 0; j < s.planes; ++j)
            for (int ky = 0; ky < s.kernel_h; ++ky)
                for (int kx = 0; kx < s.kernel_w; ++kx) rows.push_back(field.tap(j, y * s.stride + ky * s.dilation, kx));
        for (int o = 0; o < s.outs; o += 64) {
            const Row row{rows.data(), s.taps(), wider.data() + static_cast<std::int64_t>(o) * s.taps(), std::min(64, s.outs - o), s.out_width()};
            std::uint64_t *to = out + o / 64 * plane + static_cast<std::int64_t>(y) * s.out_width();
            for (int f = 0; f < s.fan; f += most_fan)
                row_bits(row, limit.data() + static_cast<std::int64_t>(f) * s.outs + o, s.outs, std::min(most_fan, s.fan - f), to + f * fan_stride, fan_stride);
        }
    });
}

}  // namespace docbin::pixels
