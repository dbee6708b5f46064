// The network as a list of nodes, and which rows of each an output needs.
#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>

#include "engine/network.hpp"
#include "parallel.hpp"

namespace docbin::engine {
namespace {

void require(bool good, const char *what) {
    if (!good) throw std::invalid_argument(what);
}

constexpr std::int64_t widest_tile = 4096, least_rows = 256;

}  // namespace

Node &Network::add(Op op, std::vector<int> inputs) {
    const int index = static_cast<int>(nodes_.size());
    Node node;
    node.op = op;
    for (const int input : inputs) {
        require(input >= 0 && input < index && nodes_[input].op != head, "engine: a node reads what is not there");
        const Node &from = nodes_[input];
        node.channels += from.channels, node.halvings = from.halvings;
        if (from.op == concat)
            node.sources.insert(node.sources.end(), from.sources.begin(), from.sources.end());
        else
            node.sources.push_back(input);
    }
    node.inputs = std::move(inputs);
    if (op != concat)
        for (const int source : node.sources)
            if (nodes_[source].readers.empty() || nodes_[source].readers.back() != index) nodes_[source].readers.push_back(index);
    nodes_.push_back(std::move(node));
    return nodes_.back();
}

Node &Network::add_filters(Op op, int input, const bitsliced::Filters &filters) {
    Node &node = add(op, {input});
    require(filters.channels * filters.groups == node.channels, "engine: filters do not fit the map they read");
    node.filters = std::make_unique<bitsliced::Convolution>(level_, filters);
    node.reach = filters.reach();
    return node;
}

int Network::add_codes(stem::Codes codes) {
    for (const std::int32_t window : codes.windows) require(window > 0 && window % 2 == 1 && window <= stem::widest_window, "engine: a window is even or too wide");
    require(codes.channels() > 0 && codes.theta.size() == codes.windows.size() * codes.thetas, "engine: thresholds and windows do not fit together");
    Node &node = add(Op::codes, {});
    node.channels = codes.channels(), node.halvings = 1;
    node.stem = std::make_unique<stem::Codes>(std::move(codes));
    return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_conv(int input, const bitsliced::Filters &filters, const std::int32_t *limit, int thresholds, int stride) {
    require(stride == 1 || stride == 2, "engine: strides are 1 or 2");
    Node &node = add_filters(conv, input, filters);
    node.filters->set_limits(limit, thresholds);
    node.channels = thresholds * filters.outs, node.stride = stride, node.halvings += stride == 2;
    return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_pool(int input) {
    ++add(pool, {input}).halvings;
    return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_upsample(int input) {
    Node &node = add(upsample, {input});
    require(node.halvings > 1, "engine: nothing but the head is as large as the page");
    --node.halvings;
    return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_concat(std::vector<int> inputs) {
    for (const int input : inputs) require(input >= 0 && input < static_cast<int>(nodes_.size()), "engine: a node reads what is not there");
    for (const int input : inputs) require(nodes_[input].halvings == nodes_[inputs[0]].halvings, "engine: maps of different sizes side by side");
    add(concat, std::move(inputs));
    return static_cast<int>(nodes_.size()) - 1;
}

int Network::add_head(int input, const bitsliced::Filters &filters, std::vector<float> scale, std::vector<float> bias) {
    require(!bias.empty() && filters.outs % static_cast<int>(bias.size()) == 0 && scale.size() == static_cast<std::size_t>(filters.outs) &&
               static_cast<std::int64_t>(filters.channels) * filters.groups * filters.kernel * filters.kernel <= 32767,
           "engine: the head's scales and filters do not fit together");
    Node &node = add_filters(head, input, filters);
    node.planes = filters.outs / static_cast<int>(bias.size()), node.scale = std::move(scale), node.bias = std::move(bias);
    return static_cast<int>(nodes_.size()) - 1;
}

bool Network::wants_second_plane() const {
    return std::any_of(nodes_.begin(), nodes_.end(), [](const Node &node) { return node.stem && !node.stem->levels[1].empty(); });
}

int Network::halvings() const {
    int most = 0;
    for (const Node &node : nodes_) most = std::max(most, node.halvings);
    return most;
}

int Network::reach() const {
    int most = 1;
    for (const Node &node : nodes_) most = std::max(most, node.reach);
    return most;
}

std::vector<Range> Network::needed(Range output, std::int64_t size) const {
    std::vector<Range> needed(nodes_.size(), {0, 0});
    // The head counts its rows in cells.
    const int halvings = nodes_.back().halvings;
    needed.back() = {output.low >> halvings, (output.high + (std::int64_t{1} << halvings) - 1) >> halvings};
    for (int index = static_cast<int>(nodes_.size()); index-- > 0;) {
        const Node &node = nodes_[index];
        const Range rows = needed[index];
        if (rows.low >= rows.high || node.op == concat) continue;
        for (const int source : node.sources) {
            const std::int64_t all = size >> nodes_[source].halvings;
            Range part = rows;
            if (node.op == conv || node.op == head)
                part = {std::max<std::int64_t>(0, node.stride * rows.low - node.reach), std::min(all, node.stride * (rows.high - 1) + node.reach + 1)};
            else if (node.op == pool)
                part = {2 * rows.low, 2 * rows.high};
            else if (node.op == upsample)
                part = {rows.low / 2, (rows.high + 1) / 2};
            Range &known = needed[source];
            known = known.low >= known.high ? part : Range{std::min(known.low, part.low), std::max(known.high, part.high)};
        }
    }
    return needed;
}

int Network::add_edge(int input, edge::Filters filters) {
    require(input == static_cast<int>(nodes_.size()) - 1 && nodes_.back().op == head && nodes_.front().op == codes && !edge_ && !choice_,
           "engine: an edge step follows the head, of a network that begins with codes");
    const stem::Codes &seen = *nodes_.front().stem;
    require(filters.channels == static_cast<int>(4 * (seen.windows.size() + 2 + !seen.levels[1].empty())), "engine: the edge step does not fit the codes");
    edge_ = std::make_unique<edge::Filters>(std::move(filters));
    return static_cast<int>(nodes_.size());
}

int Network::add_choice(int input, const std::int32_t *windows, std::size_t count, float k, float sharpness) {
    require(input == static_cast<int>(nodes_.size()) - 1 && nodes_.back().op == head && nodes_.front().op == codes && !edge_ && !choice_,
           "engine: a choice follows the head, of a network that begins with codes");
    const stem::Codes &seen = *nodes_.front().stem;
    choice::Chooser chooser = choice::make_chooser(windows, count, !seen.levels[1].empty(), seen.floor, k, sharpness);
    require(nodes_.back().halvings == 2 && nodes_.back().bias.size() == static_cast<std::size_t>(chooser.outputs()),
           "engine: the head before a choice has outputs for its options and controls, on cells of 4 x 4 pixels");
    choice_ = std::make_unique<choice::Chooser>(std::move(chooser));
    return static_cast<int>(nodes_.size());
}

namespace {

// Calls make(next, lock) in so many threads; each takes numbers below `count` by `next(i)` until there are none.
template <class Make> void share_out(std::size_t count, int threads, Make make) {
    std::atomic<std::size_t> next{0};
    std::mutex lock;
    in_parallel(static_cast<int>(std::min<std::size_t>(threads, count)), [&](int) { make([&](std::size_t &i) { return (i = next.fetch_add(1)) < count; }, lock); });
}

// Calls make(top, bottom) for bands of `high` rows, one a thread; returns the seconds of all threads.
template <class Make> double in_bands(std::int64_t high, int threads, Make make) {
    const std::int64_t bands = std::clamp<std::int64_t>(high / 64, 1, threads), band = (high + bands - 1) / bands;
    double total = 0;
    share_out(static_cast<std::size_t>(bands), threads, [&](auto next, std::mutex &lock) {
        const double start = thread_seconds();
        for (std::size_t i; next(i);) {
            const auto top = static_cast<std::int64_t>(i) * band;
            make(top, std::min(top + band, high));
        }
        const std::lock_guard<std::mutex> held(lock);
        total += thread_seconds() - start;
    });
    return total;
}

}  // namespace

Seconds Network::run(const std::uint8_t *const (&planes)[2], const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const {
    require(!nodes_.empty() && nodes_.back().op == head && (planes[1] || !wants_second_plane()), "engine: no head, or a plane is missing");
    require(choice_ || (nodes_.back().halvings == 1 && nodes_.back().bias.size() == 4),
            "engine: a head gives four logits a cell of a map at half the page's side");
    const std::int64_t stride = std::int64_t{1} << halvings();
    const stem::Page page{{planes[0], planes[1]}, output.height, output.width, (output.height + stride - 1) / stride * stride / 2,
                          (output.width + stride - 1) / stride * stride / 2};
    threads = std::max(1, threads);
    if (choice_) return run_choice(page, output, threads, tile_rows, tile_columns);
    if (edge_) return run_edge(page, output, threads, tile_rows, tile_columns);
    return run_tiles(page, output, threads, tile_rows, tile_columns);
}

Seconds Network::run_edge(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const {
    edge::QuantizedLogits quantized;
    quantized.high = page.cells_high, quantized.pitch = page.cells_wide;
    quantized.levels.assign(static_cast<std::size_t>(4 * quantized.high * quantized.pitch), 0);
    // The step sees the logits of cells beyond the page, too, and tiles hold whole cells.
    const Output cells{nullptr, nullptr, 2 * page.cells_high, 2 * page.cells_wide, &quantized};
    Seconds total = run_tiles(page, cells, threads, tile_rows + tile_rows % 2, tile_columns + tile_columns % 2);
    total.of[edge_step] = in_bands(page.cells_high, threads, [&](std::int64_t top, std::int64_t bottom) {
        edge::run(level_, *edge_, *nodes_.front().stem, page, quantized, top, bottom, output.logits, output.ink);
    });
    return total;
}

Seconds Network::run_choice(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const {
    choice::Said said;
    said.high = page.cells_high / 2, said.wide = page.cells_wide / 2;
    said.levels.assign(static_cast<std::size_t>(choice_->outputs() * said.high * said.wide), 0);
    const Output cells{nullptr, nullptr, 2 * page.cells_high, 2 * page.cells_wide, nullptr, &said};
    const auto whole = [](std::int64_t side) { return (side + 3) / 4 * 4; };
    Seconds total = run_tiles(page, cells, threads, whole(tile_rows), whole(tile_columns));
    total.of[choice_step] = in_bands(page.cells_high, threads, [&](std::int64_t top, std::int64_t bottom) {
        choice::run(level_, *choice_, page, said, top, bottom, output.logits, output.ink);
    });
    return total;
}

Seconds Network::run_tiles(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const {
    if (!tile_rows) {
        const std::int64_t bands = std::clamp<std::int64_t>(output.height / least_rows, 1, threads), across = (output.width + widest_tile - 1) / widest_tile;
        // So that tiles hold whole cells.
        tile_rows = ((output.height + bands - 1) / bands + 3) / 4 * 4, tile_columns = ((output.width + across - 1) / across + 3) / 4 * 4;
    }
    std::vector<Tile> tiles;
    for (std::int64_t y = 0; y < output.height; y += tile_rows)
        for (std::int64_t x = 0; x < output.width; x += tile_columns)
            tiles.push_back({y, std::min(y + tile_rows, output.height), x, std::min(x + tile_columns, output.width)});

    Seconds total;
    share_out(tiles.size(), threads, [&](auto next, std::mutex &lock) {
        Worker worker(*this, page, output);
        for (std::size_t i; next(i);) worker.run(tiles[i]);
        const std::lock_guard<std::mutex> held(lock);
        for (int op = 0; op < ops; ++op) total.of[op] += worker.seconds().of[op];
    });
    return total;
}

}  // namespace docbin::engine
