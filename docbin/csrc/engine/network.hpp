// Runs a packed 1-bit network on a page, from its pixels to its ink, without leaving the bits in between.
//
// Maps are rows of bits (bitsliced.hpp). A tile of the page is computed from top to bottom in strips: each node adds the rows that the next strip of output
// needs, from rows that its inputs still hold, and rows that nobody will read again make room. So no row is computed twice within a tile, and memory
// is a few strips a node whatever the page's height. Concatenation is a list of rows; padding is the spare bits at a row's end and a few empty rows
// where the page ends. Tiles are independent: each computes what lies around it again, with the page's real neighbours, so that tiles of any size give
// the bits of the whole page. Threads take a tile each.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/bitsliced_program.hpp"
#include "engine/choice.hpp"
#include "engine/edge.hpp"
#include "engine/stem.hpp"

namespace docbin::engine {

enum Op : int { codes, conv, pool, upsample, concat, head, edge_step, choice_step };
inline constexpr int ops = 8;

struct Node {
    Op op;
    std::vector<int> inputs;   // as given
    std::vector<int> sources;  // the nodes that hold the input's channels, concatenations looked through
    std::vector<int> readers;  // the nodes that have this one among their sources
    int channels = 0, halvings = 0;
    int stride = 1, reach = 0;  // of a convolution or head, in cells of its input
    std::unique_ptr<bitsliced::Convolution> filters;
    std::unique_ptr<stem::Codes> stem;
    int planes = 0;
    std::vector<float> scale, bias;  // [planes][outs], [outs]
};

// Where the result goes: float32 logits, or bytes 0 and 1, or, for a step behind the head, what the head says of whole cells.
struct Output {
    float *logits;
    std::uint8_t *ink;
    std::int64_t height, width;
    edge::QuantizedLogits *quantized = nullptr;
    choice::Said *said = nullptr;
};

// Rows [top, bottom) and columns [left, right), in pixels.
struct Tile {
    std::int64_t top, bottom, left, right;
};

struct Range {
    std::int64_t low, high;
};

struct Seconds {
    double of[ops] = {};
};

// The thread's own time where the system tells it, so that a busy machine does not count.
double thread_seconds();

class Network {
public:
    explicit Network(Level level) : level_(level) {}
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;

    // Each returns the new node's number. Sizes are checked (std::invalid_argument), so that no node can read outside its inputs.
    int add_codes(stem::Codes codes);
    int add_conv(int input, const bitsliced::Filters &filters, const std::int32_t *limit, int thresholds, int stride);
    int add_pool(int input);
    int add_upsample(int input);
    int add_concat(std::vector<int> inputs);
    int add_head(int input, const bitsliced::Filters &filters, std::vector<float> scale, std::vector<float> bias);
    // The 8-bit step over the head's logits, after everything else; it sees the page as the first codes do.
    int add_edge(int input, edge::Filters filters);
    // Instead: the choice among local thresholds, of a head on cells of 4 x 4 pixels; its windows see the page with the codes' floor.
    int add_choice(int input, const std::int32_t *windows, std::size_t count, float k, float sharpness);

    // planes[1] may be null unless the codes have levels on it. tile_rows 0: as many tiles as threads. Returns seconds by op, summed over threads.
    Seconds run(const std::uint8_t *const (&planes)[2], const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const;

    // What the network may ask of a page.
    bool wants_second_plane() const;
    Level level() const { return level_; }
    const std::vector<Node> &nodes() const { return nodes_; }
    int halvings() const;  // the most of any node
    int reach() const;     // the widest of any node
    // The rows (or columns) [low, high) of every node that the output's rows need, in a page of `size` (a multiple of 2^halvings) rows.
    std::vector<Range> needed(Range output, std::int64_t size) const;

private:
    Seconds run_tiles(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const;
    Seconds run_edge(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const;
    Seconds run_choice(const stem::Page &page, const Output &output, int threads, std::int64_t tile_rows, std::int64_t tile_columns) const;
    Node &add(Op op, std::vector<int> inputs);
    Node &add_filters(Op op, int input, const bitsliced::Filters &filters);

    Level level_;
    std::vector<Node> nodes_;
    std::unique_ptr<edge::Filters> edge_;
    std::unique_ptr<choice::Chooser> choice_;
};

// Computes one tile; keeps its memory for the next.
class Worker {
public:
    Worker(const Network &network, const stem::Page &page, const Output &output);
    ~Worker();
    void run(const Tile &tile);
    const Seconds &seconds() const { return seconds_; }

private:
    struct Buffer;
    void lay_out(const Tile &tile);
    void rows(int index, std::int64_t from, std::int64_t to);
    void conv_rows(const Node &node, Buffer &out, std::int64_t from, std::int64_t to);
    void head_rows(const Node &node, std::int64_t from, std::int64_t to, const Tile &tile);
    bitsliced::Field field(const Node &node, std::int64_t row);
    std::int64_t first_needed(int reader, std::int64_t row) const;
    std::int64_t kept(int index) const;
    std::int64_t step() const;  // rows of the page a strip

    const Network &network_;
    const stem::Page &page_;
    const Output &output_;
    std::vector<Buffer> buffers_;
    std::vector<Range> rows_;              // of the tile, by node
    std::vector<std::int64_t> done_;       // rows below this are computed, by node
    std::int64_t left_ = 0, right_ = 0;    // the tile's columns with all that lies around it, in pixels
    std::vector<std::int64_t> pitch_;      // by halvings
    std::vector<std::vector<std::uint64_t>> valid_;
    std::vector<std::unique_ptr<stem::Rows>> stems_;  // by node
    std::vector<const std::uint64_t *> channels_;
    std::vector<std::uint64_t *> bit_rows_;
    std::vector<std::uint64_t> scratch_, strided_;
    std::vector<std::int16_t> dots_;
    std::vector<float> logits_;
    Seconds seconds_;
};

}  // namespace docbin::engine
