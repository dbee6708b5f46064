#include "fixed/fixed_point.hpp"

#include <algorithm>

#include "parallel.hpp"
#include "target.hpp"

namespace docbin::fixed {

void pointwise(Level level, const std::int16_t *in, const std::int16_t *residual, const std::int16_t *weights, const Rescale &rescale, int ins, int outs, std::int64_t n,
               std::int16_t *out, int threads) {
    const Kernels &kernels = target(level).fixed;
    const int parts = static_cast<int>(std::clamp<std::int64_t>(n / 256, 1, threads));
    in_parallel(parts, [&](int part) {
        const std::int64_t begin = n * part / parts, end = n * (part + 1) / parts;
        kernels.pointwise(in + begin * ins, residual ? residual + begin * outs : nullptr, weights, rescale, ins, outs, end - begin, out + begin * outs);
    });
}

void depthwise(Level level, const std::int16_t *in, const Map &map, const std::int16_t *weights, const Rescale &rescale, int side, int stride, int before,
               std::int64_t high, std::int64_t n, std::int16_t *out, int threads) {
    const Kernels &kernels = target(level).fixed;
    const int parts = static_cast<int>(std::clamp<std::int64_t>(high / 8, 1, threads));
    in_parallel(parts, [&](int part) {
        for (std::int64_t y = high * part / parts, end = high * (part + 1) / parts; y < end; ++y) {
            const std::int16_t *rows[largest_side];
            for (int k = 0; k < side; ++k) {
                const std::int64_t at = stride * y - before + k;
                rows[k] = at < 0 || at >= map.high ? nullptr : in + at * map.wide * map.channels;
            }
            kernels.depthwise(rows, weights, rescale, side, stride, before, map.wide, map.channels, n, out + y * n * map.channels);
        }
    });
}

}  // namespace docbin::fixed
