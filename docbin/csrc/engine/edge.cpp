// The edge step over rows of cells: three rows of what is seen and three of the hidden layer are kept, and go round.
#include "engine/edge.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "target.hpp"

namespace docbin::edge {
namespace {

// A number 0..255 in each byte of a word.
constexpr std::int32_t all(std::uint32_t byte) { return static_cast<std::int32_t>(byte * 0x01010101u); }

constexpr int raised = 128;  // by how much what is seen is kept higher

std::int32_t shifted(int value, unsigned mask, int bits) { return static_cast<std::int32_t>((static_cast<std::uint32_t>(value) & mask) << bits); }

// int8 [outs][channels][3][3]; the input is numbers -127..127, kept `above` higher.
Weights pack(const std::int8_t *weights, int outs, int channels, int above) {
    Weights packed;
    packed.words.assign(static_cast<std::size_t>(outs) * channels / 4 * 9, 0);
    packed.pairs.assign(2 * packed.words.size(), 0);
    for (int o = 0; o < outs; ++o) {
        std::int64_t largest = 0;
        std::int32_t sum = 0;
        for (int c = 0; c < channels; ++c)
            for (int tap = 0; tap < 9; ++tap) {
                const int weight = weights[(o * channels + c) * 9 + tap];
                largest += 127 * std::abs(weight), sum += weight;
                const auto word = static_cast<std::size_t>((((o / 4) * 9 + tap) * (channels / 4) + c / 4) * 4 + o % 4);
                packed.words[word] |= shifted(weight, 0xff, 8 * (c % 4));
                packed.pairs[2 * word + c % 2] |= shifted(weight, 0xffff, 16 * (c % 4 / 2));
            }
        if (largest >= 1 << 24) throw std::invalid_argument("engine: the edge step's sums can leave 24 bits");
        packed.start.push_back(-above * sum);
    }
    return packed;
}

// Rows of a map in quads, as Kernels wants them; row y is kept until row y + 3 comes. Cells beyond the map are `beyond` in every byte.
class Ring {
public:
    Ring(int channels, std::int64_t n, std::uint32_t beyond)
        : beyond_(all(beyond)), quads_(channels / 4), pitch_(n + 2), words_(static_cast<std::size_t>(3 * quads_ * pitch_ + block), beyond_) {}
    std::int32_t *quad(std::int64_t y, int k) { return row(y) + k * pitch_ + 1; }
    std::int32_t *row(std::int64_t y) { return words_.data() + (y + 3) % 3 * quads_ * pitch_; }
    void clear(std::int64_t y) { std::fill_n(row(y), quads_ * pitch_, beyond_); }
    void end(std::int64_t y, int k, std::int64_t wide) { std::fill(quad(y, k) + wide, row(y) + (k + 1) * pitch_, beyond_); }
    std::int64_t pitch() const { return pitch_; }

private:
    std::int32_t beyond_;
    std::int64_t quads_, pitch_;
    std::vector<std::int32_t> words_;
};

}  // namespace

Filters make_filters(int channels, int hidden, const std::int8_t *first, const std::int8_t *second, const float *const (&scales)[4]) {
    if (channels < 4 || channels % 4 || channels > 1024 || hidden < 4 || hidden % 4 || hidden > 1024)
        throw std::invalid_argument("engine: the edge step wants channels and filters in fours");
    Filters filters;
    filters.channels = channels, filters.hidden = hidden;
    filters.first = pack(first, hidden, channels, raised), filters.second = pack(second, 4, hidden, 0);
    filters.first_factor.assign(scales[0], scales[0] + hidden), filters.first_offset.assign(scales[1], scales[1] + hidden);
    filters.second_factor.assign(scales[2], scales[2] + 4), filters.second_offset.assign(scales[3], scales[3] + 4);
    return filters;
}

void run(Level level, const Filters &filters, const stem::Codes &codes, const stem::Page &page, const QuantizedLogits &quantized, std::int64_t top, std::int64_t bottom,
         float *logits, std::uint8_t *ink) {
    const Kernels &kernels = target(level).edge;
    const head::Kernels &heads = target(level).head;
    const std::int64_t wide = page.cells_wide, high = page.cells_high, n = (wide + block - 1) / block * block;
    const int seen = filters.channels - 4;
    const std::int64_t begin = std::max<std::int64_t>(0, top - 2);
    stem::Rows rows(level, codes, page, begin, 0, wide);
    Ring shown(filters.channels, n, raised), hidden(filters.hidden, n, 0);
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
            for (int pixel = 0; pixel < 4; ++pixel) kernels.widen(quantized.row(pixel, y), wide, heads_of[seen + pixel]);
            for (int k = 0; k < filters.channels / 4; ++k) {
                kernels.join(heads_of.data() + 4 * k, n, shown.quad(y, k));
                shown.end(y, k, wide);
            }
        }
        const std::int64_t middle = y - 1;
        if (middle < top - 1 || middle > bottom) continue;
        if (middle < 0 || middle >= high) {
            hidden.clear(middle);
        } else {
            const std::int32_t *const around[3] = {shown.row(middle - 1), shown.row(middle), shown.row(middle + 1)};
            kernels.sums(around, filters.channels / 4, shown.pitch(), filters.first.taps(), n, sums.data());
            for (int k = 0; k < filters.hidden / 4; ++k) {
                kernels.hidden(sums.data() + 4 * k * n, &filters.first_factor[4 * k], &filters.first_offset[4 * k], n, hidden.quad(middle, k));
                hidden.end(middle, k, wide);
            }
        }
        const std::int64_t done = y - 2;
        if (done < top || done >= bottom) continue;
        const std::int32_t *const around[3] = {hidden.row(done - 1), hidden.row(done), hidden.row(done + 1)};
        kernels.sums(around, filters.hidden / 4, hidden.pitch(), filters.second.taps(), n, sums.data());
        for (int pixel = 0; pixel < 4; ++pixel)
            kernels.logits(sums.data() + pixel * n, quantized.row(pixel, done), filters.second_factor[pixel], filters.second_offset[pixel], wide,
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
