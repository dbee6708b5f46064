// From maps to tap rows: padding, stride, dilation and groups are settled here, once, for every level.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bits.hpp"

namespace docbin::bits {
namespace {

// The input with its padding, rows split by phase for stride > 1: plane j, padded row y, phase f holds words f, f + stride, f + 2 stride, ...
class PaddedMap {
public:
    PaddedMap(const Shape &s, const std::uint64_t *map)
        : shape_(s),
          padded_height_(s.height + 2 * s.pad),
          phase_length_((s.width + 2 * s.pad + s.stride - 1) / s.stride + lane_slack),
          words_(static_cast<std::size_t>(s.words_in) * padded_height_ * s.stride * phase_length_) {
        const std::uint64_t pad_word = s.pad_bit ? ~0ULL : 0ULL;
        for (int j = 0; j < s.words_in; ++j)
            for (int y = 0; y < padded_height_; ++y) {
                const int from = y - s.pad;
                const std::uint64_t *source = from < 0 || from >= s.height ? nullptr : map + (static_cast<std::int64_t>(j) * s.height + from) * s.width;
                for (int f = 0; f < s.stride; ++f) fill(row(j, y, f), source, f, pad_word);
            }
    }

    const std::uint64_t *tap(int word, int y, int kx) const {
        const int column = kx * shape_.dilation;
        return words_.data() + offset(word, y, column % shape_.stride) + column / shape_.stride;
    }

private:
    std::int64_t offset(int word, int y, int phase) const {
        return ((static_cast<std::int64_t>(word) * padded_height_ + y) * shape_.stride + phase) * phase_length_;
    }
    std::uint64_t *row(int word, int y, int phase) { return words_.data() + offset(word, y, phase); }

    void fill(std::uint64_t *to, const std::uint64_t *source, int phase, std::uint64_t pad_word) const {
        if (!source) {
            std::fill(to, to + phase_length_, pad_word);
            return;
        }
        if (shape_.stride == 1) {
            std::fill(to, to + shape_.pad, pad_word);
            std::memcpy(to + shape_.pad, source, sizeof(std::uint64_t) * shape_.width);
            std::fill(to + shape_.pad + shape_.width, to + phase_length_, pad_word);
            return;
        }
        for (std::int64_t i = 0; i < phase_length_; ++i) {
            const std::int64_t x = phase + i * shape_.stride - shape_.pad;
            to[i] = x < 0 || x >= shape_.width ? pad_word : source[x];
        }
    }

    const Shape &shape_;
    int padded_height_;
    std::int64_t phase_length_;
    std::vector<std::uint64_t> words_;
};

// Calls each(first output channel, channels, row) for every group and every 64 channels of output row y.
template <class Each>
void for_blocks(const Shape &s, const PaddedMap &map, const std::uint64_t *weights, const std::uint64_t *masks, int y, Each each) {
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

template <class EachRow>
void for_rows(const Shape &s, EachRow each) {
    const int height = s.out_height(), threads = std::max(1, std::min(s.threads, height));
    if (threads == 1) {
        for (int y = 0; y < height; ++y) each(y);
        return;
    }
    // Rows are taken in small runs, so that a core that is busy elsewhere does not hold up the rest.
    std::atomic<int> next{0};
    const int run = std::max(1, height / (threads * 8));
    auto work = [&] {
        for (int from; (from = next.fetch_add(run)) < height;)
            for (int y = from; y < std::min(from + run, height); ++y) each(y);
    };
    std::vector<std::thread> pool;
    for (int i = 1; i < threads; ++i) pool.emplace_back(work);
    work();
    for (auto &thread : pool) thread.join();
}

}  // namespace

void conv_bits(Level level, const Shape &s, const std::uint64_t *map, const std::uint64_t *weights, const std::uint64_t *masks,
               const std::int32_t *limit, std::uint64_t *out) {
    const Kernels &kernel = kernels(level);
    const PaddedMap padded(s, map);
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * s.out_width(), fan_stride = (s.outs + 63) / 64 * plane;
    for_rows(s, [&](int y) {
        for_blocks(s, padded, weights, masks, y, [&](int first, const Row &row) {
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
    const PaddedMap padded(s, map);
    const std::int64_t plane = static_cast<std::int64_t>(s.out_height()) * s.out_width();
    for_rows(s, [&](int y) {
        for_blocks(s, padded, weights, masks, y, [&](int first, const Row &row) {
            kernel.row_dots(row, total + first, out + first * plane + static_cast<std::int64_t>(y) * s.out_width(), plane);
        });
    });
}

}  // namespace docbin::bits
