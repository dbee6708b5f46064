// The edge step over rows of cells: three rows of what is seen and three of the hidden layer are kept, and go round.
#include "edge.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "head.hpp"

namespace docbin::edge {
namespace {

// int8 [outs][channels][3][3] to words [outs / 4][3][3][channels / 2][4].
std::vector<std::int32_t> pack(const std::int8_t *weights, int outs, int channels, std::int64_t largest) {
    std::vector<std::int32_t> packed(static_cast<std::size_t>(outs) * channels / 2 * 9);
    for (int o = 0; o < outs; ++o) {
        std::int64_t sum = 0;
        for (int c = 0; c < channels; ++c)
            for (int tap = 0; tap < 9; ++tap) {
                const int weight = weights[(o * channels + c) * 9 + tap];
                sum += largest * std::abs(weight);
                auto &word = packed[static_cast<std::size_t>((((o / 4) * 9 + tap) * (channels / 2) + c / 2) * 4 + o % 4)];
                word |= static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint16_t>(static_cast<std::int16_t>(weight))) << (16 * (c % 2)));
            }
        if (sum >= 1 << 24) throw std::invalid_argument("engine: the edge step's sums can leave 24 bits");
    }
    return packed;
}

// Rows of a map in pairs, as Kernels wants them; row y is kept until row y + 3 comes.
class Ring {
public:
    Ring(int channels, std::int64_t n) : pairs_(channels / 2), pitch_(n + 2), words_(static_cast<std::size_t>(3 * pairs_ * pitch_ + block), 0) {}
    std::int32_t *pair(std::int64_t y, int k) { return row(y) + k * pitch_ + 1; }
    std::int32_t *row(std::int64_t y) { return words_.data() + (y + 3) % 3 * pairs_ * pitch_; }
    void clear(std::int64_t y) { std::fill_n(row(y), pairs_ * pitch_, 0); }
    std::int64_t pitch() const { return pitch_; }

private:
    std::int64_t pairs_, pitch_;
    std::vector<std::int32_t> words_;
};

}  // namespace

Filters make_filters(int channels, int hidden, const std::int8_t *first, const std::int8_t *second, const float *const (&scales)[4]) {
    if (channels < 2 || channels % 2 || channels > 1024 || hidden < 4 || hidden % 4 || hidden > 1024)
        throw std::invalid_argument("engine: the edge step wants pairs of channels and filters in fours");
    Filters filters;
    filters.channels = channels, filters.hidden = hidden;
    filters.first = pack(first, hidden, channels, 127), filters.second = pack(second, 4, hidden, 127);
    filters.first_factor.assign(scales[0], scales[0] + hidden), filters.first_offset.assign(scales[1], scales[1] + hidden);
    filters.second_factor.assign(scales[2], scales[2] + 4), filters.second_offset.assign(scales[3], scales[3] + 4);
    return filters;
}

void run(Level level, const Filters &filters, const stem::Codes &codes, const stem::Page &page, const Told &told, std::int64_t top, std::int64_t bottom,
         float *logits, std::uint8_t *ink) {
    const Kernels &kernels = edge::kernels(level);
    const head::Kernels &heads = head::kernels(level);
    const std::int64_t wide = page.cells_wide, high = page.cells_high, n = (wide + block - 1) / block * block;
    const int seen = filters.channels - 4;
    const std::int64_t begin = std::max<std::int64_t>(0, top - 2);
    stem::Rows rows(level, codes, page, begin, 0, wide);
    Ring shown(filters.channels, n), hidden(filters.hidden, n);
    std::vector<std::vector<std::int16_t>> channels(filters.channels, std::vector<std::int16_t>(static_cast<std::size_t>(n), 0));
    std::vector<std::int16_t *> heads_of(channels.size());
    for (std::size_t c = 0; c < channels.size(); ++c) heads_of[c] = channels[c].data();
    std::vector<std::int32_t> sums(static_cast<std::size_t>(filters.hidden * n));
    std::vector<float> drawn(static_cast<std::size_t>(4 * n)), line(static_cast<std::size_t>(2 * n));
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(2 * n));
    for (std::int64_t y = begin - 1; y < bottom + 2; ++y) {
        // What is seen at row y, the hidden layer at row y - 1, the logits at row y - 2.
        if (y < begin || y >= high) {
            shown.clear(y);
        } else {
            rows.next_levels(heads_of.data());
            for (int pixel = 0; pixel < 4; ++pixel) kernels.widen(told.row(pixel, y), wide, heads_of[seen + pixel]);
            for (int k = 0; k < filters.channels / 2; ++k) {
                kernels.join(heads_of[2 * k], heads_of[2 * k + 1], n, shown.pair(y, k));
                std::fill(shown.pair(y, k) + wide, shown.pair(y, k) + n, 0);
            }
        }
        const std::int64_t middle = y - 1;
        if (middle < top - 1 || middle > bottom) continue;
        if (middle < 0 || middle >= high) {
            hidden.clear(middle);
        } else {
            const std::int32_t *const around[3] = {shown.row(middle - 1), shown.row(middle), shown.row(middle + 1)};
            kernels.sums(around, filters.channels / 2, shown.pitch(), filters.first.data(), filters.hidden, n, sums.data());
            for (int k = 0; k < filters.hidden / 2; ++k) {
                kernels.hidden(sums.data() + 2 * k * n, sums.data() + (2 * k + 1) * n, &filters.first_factor[2 * k], &filters.first_offset[2 * k], n,
                               hidden.pair(middle, k));
                std::fill(hidden.pair(middle, k) + wide, hidden.pair(middle, k) + n, 0);
            }
        }
        const std::int64_t done = y - 2;
        if (done < top || done >= bottom) continue;
        const std::int32_t *const around[3] = {hidden.row(done - 1), hidden.row(done), hidden.row(done + 1)};
        kernels.sums(around, filters.hidden / 2, hidden.pitch(), filters.second.data(), 4, n, sums.data());
        for (int pixel = 0; pixel < 4; ++pixel)
            kernels.logits(sums.data() + pixel * n, told.row(pixel, done), filters.second_factor[pixel], filters.second_offset[pixel], wide,
                           drawn.data() + pixel * n);
        for (std::int64_t dy = 0; dy < 2; ++dy) {
            const std::int64_t row = 2 * done + dy;
            if (row >= page.height) break;
            const float *even = drawn.data() + 2 * dy * n, *odd = even + n;
            for (std::int64_t x = 0; x < n; x += block) {
                if (ink)
                    heads.ink(even + x, odd + x, bytes.data() + 2 * x);
                else
                    heads.lay_out(even + x, odd + x, line.data() + 2 * x);
            }
            if (ink)
                std::memcpy(ink + row * page.width, bytes.data(), static_cast<std::size_t>(page.width));
            else
                std::memcpy(logits + row * page.width, line.data(), static_cast<std::size_t>(4 * page.width));
        }
    }
}

}  // namespace docbin::edge
