// One tile, strip by strip.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "engine/network.hpp"
#include "target.hpp"

namespace docbin::engine {

double thread_seconds() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
#else
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

namespace {

constexpr std::int64_t strip_rows = 128;  // of the page, at least
constexpr std::int64_t guard = 8;         // words before and after a channel's rows that a tap may look at; those before are 0
constexpr std::int64_t head_words = 8;    // 64 cells each, that the head takes at a time

}  // namespace

// The rows [low, ...) of a node's channels that are still of use.
struct Worker::Buffer {
    std::vector<std::uint64_t> words;
    std::int64_t pitch = 0, capacity = 0, stride = 0, low = 0, channels = 0;

    void shape(std::int64_t channel_count, std::int64_t row_pitch, std::int64_t rows, std::int64_t first) {
        pitch = row_pitch, capacity = rows, low = first, channels = channel_count;
        // An odd number of cache lines a channel: else the channels' rows would meet in a few sets of the cache.
        stride = ((2 * guard + rows * pitch + 7) / 8 | 1) * 8;
        const auto size = static_cast<std::size_t>(channels * stride + guard);
        if (words.size() < size) words.resize(size);
        for (std::int64_t c = 0; c < channels; ++c) std::fill_n(words.data() + c * stride, guard, 0);
    }
    std::uint64_t *bit_row(std::int64_t channel, std::int64_t row) { return words.data() + channel * stride + guard + (row - low) * pitch; }
    void clear(std::int64_t from, std::int64_t to) {
        for (std::int64_t c = 0; c < channels; ++c) std::fill(bit_row(c, from), bit_row(c, to), 0);
    }
    // Makes room up to row `to`; rows below `keep` may go, rows below `done` are there.
    void make_room(std::int64_t keep, std::int64_t done, std::int64_t to) {
        if (to - low <= capacity) return;
        if (to - keep > capacity) throw std::logic_error("engine: a buffer is too small");
        const auto bytes = static_cast<std::size_t>(8 * (done - keep) * pitch);
        for (std::int64_t c = 0; c < channels; ++c) std::memmove(bit_row(c, low), bit_row(c, keep), bytes);
        low = keep;
    }
};

Worker::Worker(const Network &network, const stem::Page &page, const Output &output)
    : network_(network), page_(page), output_(output), buffers_(network.nodes().size()) {
    std::int64_t scratch = 0;
    for (const Node &node : network.nodes()) {
        if (node.filters) scratch = std::max(scratch, node.filters->scratch_bytes());
        if (node.op == head) dots_.resize(node.scale.size() * head_words * 64), logits_.resize(node.bias.size() * 64);
    }
    scratch_.resize(static_cast<std::size_t>(scratch / 8 + 8));
}

Worker::~Worker() = default;

// The first row of its input that a node reads for its own row `row` (negative: padding).
std::int64_t Worker::first_needed(int reader, std::int64_t row) const {
    const Node &node = network_.nodes()[reader];
    switch (node.op) {
        case conv:
        case head: return node.stride * row - node.reach;
        case pool: return 2 * row;
        default: return row / 2;  // upsample
    }
}

// Sizes of everything for a tile: rows and columns of each node, and buffers that hold what a strip needs.
void Worker::lay_out(const Tile &tile) {
    const auto &nodes = network_.nodes();
    const std::int64_t stride = std::int64_t{1} << network_.halvings(), high = 2 * page_.cells_high, wide = 2 * page_.cells_wide;
    rows_ = network_.needed({tile.top, tile.bottom}, high);
    const std::vector<Range> columns = network_.needed({tile.left, tile.right}, wide);
    left_ = tile.left, right_ = tile.right;
    for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
        if (columns[i].low >= columns[i].high) continue;
        left_ = std::min(left_, columns[i].low << nodes[i].halvings), right_ = std::max(right_, columns[i].high << nodes[i].halvings);
    }
    left_ = left_ / stride * stride, right_ = (right_ + stride - 1) / stride * stride;
    pitch_.clear(), valid_.clear();
    for (int halvings = 0; halvings <= network_.halvings(); ++halvings) {
        pitch_.push_back(bitsliced::pitch_for((right_ - left_) >> halvings, network_.reach()));
        valid_.push_back(bitsliced::valid_columns((right_ - left_) >> halvings, pitch_.back()));
    }
    // How many rows each node holds at most, by going through the strips once without computing.
    done_.clear();
    for (const Range &range : rows_) done_.push_back(range.low);
    std::vector<std::int64_t> first(nodes.size()), most(nodes.size(), 0);
    for (std::size_t i = 0; i < nodes.size(); ++i) first[i] = kept(static_cast<int>(i));
    for (std::int64_t bottom = tile.top; bottom < tile.bottom;) {
        bottom = std::min(tile.bottom, bottom + step());
        const std::vector<Range> next = network_.needed({tile.top, bottom}, high);
        // What it still holds and what is added, twice, so that rows are moved every second strip only.
        for (std::size_t i = 0; i < nodes.size(); ++i) most[i] = std::max(most[i], 2 * next[i].high - done_[i] - kept(static_cast<int>(i)));
        for (std::size_t i = 0; i < nodes.size(); ++i) done_[i] = std::max(done_[i], next[i].high);
    }
    stems_.clear();
    stems_.resize(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        done_[i] = rows_[i].low;
        if (rows_[i].low >= rows_[i].high || nodes[i].op == head || nodes[i].op == concat) continue;
        buffers_[i].shape(nodes[i].channels, pitch_[nodes[i].halvings], most[i] + network_.reach(), first[i]);
        buffers_[i].clear(first[i], done_[i]);
        if (nodes[i].op == codes)
            stems_[i] = std::make_unique<stem::Rows>(network_.level(), *nodes[i].stem, page_, rows_[i].low, left_ / 2, (right_ - left_) / 2);
    }
}

// The first row of a node that a reader has still to read.
std::int64_t Worker::kept(int index) const {
    std::int64_t row = done_[index];
    for (const int reader : network_.nodes()[index].readers)
        if (done_[reader] < rows_[reader].high) row = std::min(row, first_needed(reader, done_[reader]));
    return row;
}

std::int64_t Worker::step() const { return std::max(strip_rows, std::int64_t{1} << network_.halvings()); }

void Worker::run(const Tile &tile) {
    lay_out(tile);
    const auto &nodes = network_.nodes();
    const std::int64_t high = 2 * page_.cells_high;
    for (std::int64_t bottom = tile.top; bottom < tile.bottom;) {
        bottom = std::min(tile.bottom, bottom + step());
        const std::vector<Range> until = network_.needed({tile.top, bottom}, high);
        for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
            if (until[i].high <= done_[i] || nodes[i].op == concat) continue;
            const double start = thread_seconds();
            if (nodes[i].op == head) {
                head_rows(nodes[i], done_[i], until[i].high, tile);
            } else {
                const std::int64_t to = until[i].high;
                std::int64_t end = to;  // with the padding below the page's last row
                if (to == high >> nodes[i].halvings)
                    for (const int reader : nodes[i].readers)
                        if (nodes[reader].filters && rows_[reader].low < rows_[reader].high)
                            end = std::max(end, nodes[reader].stride * (rows_[reader].high - 1) + nodes[reader].reach + 1);
                buffers_[i].make_room(kept(i), done_[i], end);
                rows(i, done_[i], to);
                buffers_[i].clear(to, end);
            }
            done_[i] = until[i].high;
            seconds_.of[nodes[i].op] += thread_seconds() - start;
        }
    }
}

void Worker::rows(int index, std::int64_t from, std::int64_t to) {
    const Node &node = network_.nodes()[index];
    Buffer &out = buffers_[index];
    const bitsliced::Kernels &kernels = target(network_.level()).bitsliced;
    const std::int64_t pitch = out.pitch;
    if (node.op == codes) {
        bit_rows_.resize(static_cast<std::size_t>(node.channels));
        for (std::int64_t y = from; y < to; ++y) {
            for (int c = 0; c < node.channels; ++c) {
                bit_rows_[c] = out.bit_row(c, y);
                std::fill(bit_rows_[c] + (right_ - left_ + 127) / 128, bit_rows_[c] + pitch, 0);  // the stem writes no words of spare bits alone
            }
            stems_[index]->next(bit_rows_.data());
        }
        return;
    }
    if (node.op == conv) {
        conv_rows(node, out, from, to);
        return;
    }
    std::int64_t channel = 0;
    for (const int source : node.sources) {
        Buffer &in = buffers_[source];
        for (std::int64_t c = 0; c < in.channels; ++c, ++channel)
            for (std::int64_t y = from; y < to; ++y) {
                std::uint64_t *line = out.bit_row(channel, y);
                if (node.op == pool) {
                    kernels.pool(in.bit_row(c, 2 * y), in.bit_row(c, 2 * y + 1), line, pitch);
                    for (std::int64_t k = 0; k < pitch; ++k) line[k] &= valid_[node.halvings][k];
                } else if (y % 2 && y > from) {
                    std::memcpy(line, line - pitch, static_cast<std::size_t>(8 * pitch));
                } else {
                    kernels.upsample(in.bit_row(c, y / 2), line, (pitch + 1) / 2);
                }
            }
    }
}

// The input's channels at a row.
bitsliced::Field Worker::field(const Node &node, std::int64_t row) {
    channels_.clear();
    for (const int source : node.sources)
        for (std::int64_t c = 0; c < buffers_[source].channels; ++c) channels_.push_back(buffers_[source].bit_row(c, row));
    return {channels_.data(), buffers_[node.sources[0]].pitch};
}

void Worker::conv_rows(const Node &node, Buffer &out, std::int64_t from, std::int64_t to) {
    void *scratch = reinterpret_cast<void *>((reinterpret_cast<std::uintptr_t>(scratch_.data()) + 63) & ~static_cast<std::uintptr_t>(63));
    bit_rows_.resize(static_cast<std::size_t>(node.channels));
    if (node.stride == 1) {
        for (int o = 0; o < node.channels; ++o) bit_rows_[o] = out.bit_row(o, from);
        node.filters->bits(field(node, from), {0, (to - from) * out.pitch}, valid_[node.halvings].data(), bit_rows_.data(), scratch);
        return;
    }
    // Every second row at full width, then every second bit.
    const std::int64_t length = 2 * out.pitch;
    strided_.assign(static_cast<std::size_t>(node.channels * length), 0);
    for (int o = 0; o < node.channels; ++o) bit_rows_[o] = strided_.data() + o * length;
    for (std::int64_t y = from; y < to; ++y) {
        const bitsliced::Field in = field(node, 2 * y);
        node.filters->bits(in, {0, in.pitch}, valid_[node.halvings - 1].data(), bit_rows_.data(), scratch);
        for (int o = 0; o < node.channels; ++o) {
            for (std::int64_t k = 0; k < length; ++k) bit_rows_[o][k] &= 0x5555555555555555ULL;
            target(network_.level()).bitsliced.pool(bit_rows_[o], bit_rows_[o], out.bit_row(o, y), out.pitch);
        }
    }
}

void Worker::head_rows(const Node &node, std::int64_t from, std::int64_t to, const Tile &tile) {
    const head::Kernels &kernels = target(network_.level()).head;
    void *scratch = reinterpret_cast<void *>((reinterpret_cast<std::uintptr_t>(scratch_.data()) + 63) & ~static_cast<std::uintptr_t>(63));
    const bitsliced::Field in = field(node, from);
    const std::int64_t all = (to - from) * in.pitch, stride = 64 * head_words, side = std::int64_t{1} << node.halvings;
    const int outs = static_cast<int>(node.bias.size());
    float *logits = logits_.data();
    for (std::int64_t first = 0; first < all; first += head_words) {
        const std::int64_t words = std::min(head_words, all - first);
        node.filters->dots(in, {first, first + words}, dots_.data(), stride, scratch);
        for (std::int64_t word = first; word < first + words; ++word) {
            const std::int64_t row = side * (from + word / in.pitch), column = left_ + 64 * side * (word % in.pitch);
            const std::int64_t begin = std::max(tile.left, column), end = std::min(tile.right, column + 64 * side);
            if (begin >= end) continue;
            kernels.logits(dots_.data() + 64 * (word - first), stride, outs, node.planes, node.scale.data(), node.bias.data(), logits);
            if (output_.said) {  // tiles of whole cells
                const std::int64_t skipped = (begin - column) / side, bytes = 2 * ((end - begin) / side);
                for (int o = 0; o < outs; ++o) {
                    std::int16_t line[64];
                    target(network_.level()).choice.quantize(logits + 64 * o, 64, line);
                    std::memcpy(output_.said->row(o, row / side) + begin / side, line + skipped, static_cast<std::size_t>(bytes));
                }
                continue;
            }
            if (output_.quantized) {
                const edge::Kernels &edges = target(network_.level()).edge;
                for (int pixel = 0; pixel < 4; ++pixel) {
                    std::int8_t line[64];
                    edges.quantize(logits + 64 * pixel, 64, line);
                    std::memcpy(output_.quantized->row(pixel, row / 2) + begin / 2, line + (begin - column) / 2, static_cast<std::size_t>((end - begin) / 2));
                }
                continue;
            }
            for (std::int64_t dy = 0; dy < 2; ++dy) {
                const std::int64_t y = row + dy;
                if (y < tile.top || y >= tile.bottom) continue;
                const float *even = logits + 128 * dy, *odd = even + 64;
                if (output_.ink) {
                    std::uint8_t line[128];
                    kernels.ink(even, odd, line);
                    std::memcpy(output_.ink + y * output_.width + begin, line + (begin - column), static_cast<std::size_t>(end - begin));
                } else {
                    float line[128];
                    kernels.lay_out(even, odd, line);
                    std::memcpy(output_.logits + y * output_.width + begin, line + (begin - column), static_cast<std::size_t>(4 * (end - begin)));
                }
            }
        }
    }
}

}  // namespace docbin::engine
