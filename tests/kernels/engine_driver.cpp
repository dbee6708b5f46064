// Runs whole packed networks (stem, bit-sliced convolutions, pooling, head, edge step or choice) over odd pages, at every level that this machine has, in
// several tilings and with several threads, and compares each result byte by byte with that of the scalar level in one tile. Prints one hash of all
// scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if levels disagree.
#include <stdexcept>
#include <utility>
#include <vector>

#include "drive.hpp"
#include "engine/network.hpp"

using namespace docbin;
using namespace drive;

namespace {

// One convolution of a plan.
struct Layer {
    int outs, thresholds, kernel, stride, dilation, groups;
    bool masked;
};

// A network: codes, `fine` at half size, pool, `deep`, up again, both side by side, head.
struct Plan {
    std::vector<std::int32_t> windows;
    int thetas, greys, depths;
    std::vector<Layer> fine, deep;
    int head_kernel, planes;
    int edge = 0;  // filters of the edge step
    std::vector<std::int32_t> choice{};  // windows of a choice, which reads the deep map
};

// Weights, masks and limits of all layers, in blocks that outlive the networks made of them.
class Parts {
public:
    bitsliced::Filters filters(int channels, const Layer &layer) {
        const int of_group = channels / layer.groups, per_filter = (of_group + 63) / 64 * layer.kernel * layer.kernel;
        for (int i = 0; i < (layer.masked ? 2 : 1); ++i) {
            blocks_.push_back(words(static_cast<std::size_t>(layer.outs) * per_filter));
        }
        const std::uint64_t *last = blocks_.back().at.get(), *before = layer.masked ? blocks_[blocks_.size() - 2].at.get() : last;
        return {layer.outs, (of_group + 63) / 64, layer.kernel, layer.dilation, layer.groups, of_group, before, layer.masked ? last : nullptr};
    }

private:
    std::vector<Block<std::uint64_t>> blocks_;
};

int convolve(engine::Network &net, Parts &parts, int input, int channels, const Layer &layer) {
    const bitsliced::Filters filters = parts.filters(channels, layer);
    const int most = filters.channels * layer.kernel * layer.kernel;
    Block<std::int32_t> limit(static_cast<std::size_t>(layer.thresholds) * layer.outs);
    for (std::size_t i = 0; i < limit.count; ++i)  // around the half, with never and always among them
        limit.at[i] = i % 13 == 3 ? -1 : i % 13 == 7 ? most : most / (layer.masked ? 4 : 2) - 6 + static_cast<int>(random_word() % 13);
    return net.add_conv(input, filters, limit.at.get(), layer.thresholds, layer.stride);
}

void build(engine::Network &net, Parts &parts, const Plan &plan) {
    stem::Codes codes;
    codes.windows = plan.windows, codes.thetas = plan.thetas, codes.floor = 7.65f;
    for (std::size_t i = 0; i < plan.windows.size() * plan.thetas; ++i) codes.theta.push_back(-2.0f + 0.17f * static_cast<float>(i % 19));
    for (int i = 0; i < plan.greys; ++i) codes.levels[0].push_back(300.0f * static_cast<float>(i) / static_cast<float>(plan.greys) - 20.0f);
    for (int i = 0; i < plan.depths; ++i) codes.levels[1].push_back(10.5f + 13.0f * static_cast<float>(i));
    int channels = codes.channels(), at = net.add_codes(std::move(codes));
    const int first = at, first_channels = channels;
    for (const Layer &layer : plan.fine) at = convolve(net, parts, at, channels, layer), channels = layer.thresholds * layer.outs;
    const int fine = at, fine_channels = channels;
    at = net.add_pool(at);
    for (const Layer &layer : plan.deep) {
        at = convolve(net, parts, at, channels, layer), channels = layer.thresholds * layer.outs;
        if (layer.stride == 2) at = net.add_upsample(at);
    }
    if (!plan.choice.empty()) {
        const int outputs = 2 * static_cast<int>(plan.choice.size()) + (plan.depths > 0) + choice::controls;
        std::vector<float> scale, bias;
        for (int i = 0; i < outputs * plan.planes; ++i) scale.push_back(0.01f / static_cast<float>(1 + i % 17));
        for (int i = 0; i < outputs; ++i) bias.push_back(0.3f * static_cast<float>(i % 5) - 0.4f);
        at = net.add_head(at, parts.filters(channels, {outputs * plan.planes, 1, plan.head_kernel, 1, 1, 1, false}), scale, bias);
        net.add_choice(at, plan.choice.data(), plan.choice.size(), 0.5f, 13.4f);
        return;
    }
    at = net.add_concat({fine, net.add_upsample(at), first});
    const Layer head{4 * plan.planes, 1, plan.head_kernel, 1, 1, 1, false};
    std::vector<float> scale;
    for (int i = 0; i < 4 * plan.planes; ++i) scale.push_back(0.5f + 0.3f * static_cast<float>(i));
    at = net.add_head(at, parts.filters(fine_channels + channels + first_channels, head), scale, {0.1f, -0.2f, 0.3f, -0.4f});
    if (!plan.edge) return;
    const int seen = 4 * (static_cast<int>(plan.windows.size()) + 2 + (plan.depths > 0));
    const auto weights = [](int count) {
        std::vector<std::int8_t> some;
        for (int i = 0; i < count; ++i) some.push_back(static_cast<std::int8_t>(static_cast<int>(random_word() % 255) - 127));
        return some;
    };
    const auto numbers = [](int count, float unit) {
        std::vector<float> some;
        for (int i = 0; i < count; ++i) some.push_back(unit * (0.5f + static_cast<float>(random_word() % 1000)));
        return some;
    };
    const auto inner = weights(9 * seen * plan.edge), outer = weights(9 * 4 * plan.edge);
    const auto factor = numbers(plan.edge, 3e-6f), offset = numbers(plan.edge, 0.01f), last = numbers(4, 1e-7f), shift = numbers(4, -0.002f);
    const float *const scales[4] = {factor.data(), offset.data(), last.data(), shift.data()};
    net.add_edge(at, edge::make_filters(seen, plan.edge, inner.data(), outer.data(), scales));
}

// Logits and ink of a page; `seed` makes every level's network the same.
std::pair<Block<float>, Block<std::uint8_t>> run(Level level, const Plan &plan, std::uint64_t seed, const Block<std::uint8_t> (&planes)[2], int height,
                                                 int width, int threads, int rows, int columns) {
    const std::uint64_t kept = std::exchange(state, seed);
    engine::Network net(level);
    Parts parts;
    build(net, parts, plan);
    state = kept;
    const std::size_t area = static_cast<std::size_t>(height) * width;
    std::pair<Block<float>, Block<std::uint8_t>> out{Block<float>(area), Block<std::uint8_t>(area)};
    const std::uint8_t *const given[2] = {planes[0].at.get(), plan.depths ? planes[1].at.get() : nullptr};
    net.run(given, engine::Output{out.first.at.get(), nullptr, height, width}, threads, rows, columns);
    net.run(given, engine::Output{nullptr, out.second.at.get(), height, width}, threads, rows, columns);
    return out;
}

void compare(const Plan &plan, int number, int height, int width) {
    const std::size_t area = static_cast<std::size_t>(height) * width;
    Block<std::uint8_t> planes[2] = {Block<std::uint8_t>(area), Block<std::uint8_t>(area)};
    for (auto &plane : planes)
        for (std::size_t i = 0; i < area; ++i) plane.at[i] = static_cast<std::uint8_t>(i / 97 % 3 ? random_word() >> 56 : 190 + (random_word() >> 60));
    const std::uint64_t seed = random_word();
    const auto expected = run(Level::scalar, plan, seed, planes, height, width, 1, height, width);
    mix(expected.first), mix(expected.second);
    ++cases;
    const int tilings[][3] = {{1, 0, 0}, {3, 0, 0}, {2, 16, 24}, {1, 7, 50}};  // threads, rows, columns
    for (Level level : all_levels)
        for (const auto &tiling : tilings) {
            if (!available(level)) continue;
            const auto got = run(level, plan, seed, planes, height, width, tiling[0], tiling[1], tiling[2]);
            if (got.first.equals(expected.first) && got.second.equals(expected.second)) continue;
            std::printf("%s differs: plan %d, page %d x %d, %d threads, tiles %d x %d\n", name(level), number, height, width, tiling[0], tiling[1], tiling[2]);
            ++failures;
        }
}

// Networks that do not hold together are refused, not run.
template <class Action>
void refused(const char *what, Action action) {
    try {
        action();
    } catch (const std::invalid_argument &) {
        return;
    }
    std::printf("not refused: %s\n", what);
    ++failures;
}

void refuse() {
    engine::Network net(Level::scalar);
    Parts parts;
    const Layer layer{64, 1, 3, 1, 1, 1, false};
    refused("a pool of nothing", [&] { net.add_pool(0); });
    stem::Codes codes;
    codes.levels[0] = std::vector<float>(16, 90.0f);
    net.add_codes(codes);
    codes.windows = {4};
    codes.theta = {0.5f}, codes.thetas = 1;
    refused("an even window", [&] { net.add_codes(codes); });
    refused("an upsampled page", [&] { net.add_upsample(0); });
    refused("filters of other channels", [&] { convolve(net, parts, 0, 128, layer); });
    refused("an edge step without a head", [&] {
        const std::vector<std::int8_t> weights(9 * 12 * 4, 1);
        const std::vector<float> numbers(4, 0.5f);
        const float *const scales[4] = {numbers.data(), numbers.data(), numbers.data(), numbers.data()};
        net.add_edge(0, edge::make_filters(12, 4, weights.data(), weights.data(), scales));
    });
    refused("a choice without a head", [&] {
        const std::int32_t window = 5;
        net.add_choice(0, &window, 1, 0.5f, 10.0f);
    });
    refused("a choice of sums beyond 32 bits", [&] {
        const std::int32_t window = 5;
        choice::make_chooser(&window, 1, false, 1.0f, 0.5f, 10.0f);
    });
    refused("sums beyond 24 bits", [&] {
        const std::vector<std::int8_t> weights(9 * 128 * 128, 127);
        const std::vector<float> numbers(128, 0.5f);
        const float *const scales[4] = {numbers.data(), numbers.data(), numbers.data(), numbers.data()};
        edge::make_filters(128, 128, weights.data(), weights.data(), scales);
    });
    refused("a network without a head", [&] {
        const Block<std::uint8_t> page(64);
        const std::uint8_t *const planes[2] = {page.at.get(), nullptr};
        Block<std::uint8_t> ink(64);
        net.run(planes, engine::Output{nullptr, ink.at.get(), 8, 8}, 1, 0, 0);
    });
}

}  // namespace

int main() {
    const Plan plans[] = {
        {{5}, 12, 4, 0, {{64, 1, 3, 1, 1, 1, false}}, {{64, 2, 3, 1, 1, 1, false}}, 3, 2, 4},
        {{1, 13, 89}, 9, 3, 2, {{32, 2, 3, 1, 1, 1, true}}, {{64, 1, 1, 1, 1, 1, false}, {128, 1, 3, 1, 2, 2, false}}, 3, 3, 12},
        {{}, 0, 16, 0, {{64, 3, 5, 1, 1, 1, false}}, {{64, 1, 3, 2, 1, 1, true}}, 1, 1},
        {{5}, 12, 4, 0, {{64, 1, 3, 1, 1, 1, false}}, {{64, 2, 3, 1, 1, 1, false}}, 3, 8, 0, {3, 11, 25}},
        {{5}, 8, 4, 4, {{64, 1, 3, 1, 1, 1, false}}, {{64, 2, 3, 1, 1, 1, false}}, 1, 3, 0, {89}},
        {{3, 7}, 8, 0, 16, {{64, 1, 3, 1, 1, 2, false}, {256, 1, 3, 1, 1, 1, false}}, {{320, 1, 3, 1, 1, 4, false}}, 3, 1},
    };
    const int pages[][2] = {{1, 1}, {3, 130}, {40, 9}, {61, 141}, {16, 300}};
    int number = 0;
    for (const Plan &plan : plans) {
        ++number;
        for (const auto &page : pages) compare(plan, number, page[0], page[1]);
    }
    refuse();
    return finish();
}
