// Python's view of the engine: a network is put together node by node and then run on pages.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>

#include "engine/network.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

using engine::Network;
template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <class T, std::size_t N> using Out = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Weights = In<std::uint64_t, 4>;

void require(bool good, const char *what) {
    if (!good) throw std::invalid_argument(what);
}

std::vector<float> floats(const float *data, std::size_t size) { return {data, data + size}; }

bitsliced::Filters filters(const Weights &w, const std::optional<Weights> &masks, int dilation, int groups) {
    const int outs = static_cast<int>(w.shape(0)), words = static_cast<int>(w.shape(1)), kernel = static_cast<int>(w.shape(2));
    require(outs > 0 && words > 0 && kernel == static_cast<int>(w.shape(3)) && kernel % 2 == 1 && kernel <= 15 && dilation >= 1 && dilation <= 16 &&
               groups >= 1 && outs % groups == 0 && static_cast<std::int64_t>(words) * 64 * kernel * kernel <= 1 << 20,
           "engine: filters of odd, square sides are wanted, whose number the groups divide");
    if (masks)
        for (int i = 0; i < 4; ++i) require(masks->shape(i) == w.shape(i), "engine: masks and weights differ in shape");
    return {outs, words, kernel, dilation, groups, 64 * words, w.data(), masks ? masks->data() : nullptr};
}

int codes(Network &net, In<std::int32_t, 1> windows, In<float, 2> theta, In<float, 1> grey, In<float, 1> depth, float floor) {
    require(theta.shape(0) == windows.shape(0), "engine: thresholds and windows do not fit together");
    stem::Codes codes;
    codes.windows.assign(windows.data(), windows.data() + windows.size());
    codes.theta = floats(theta.data(), theta.size()), codes.thetas = static_cast<int>(theta.shape(1)), codes.floor = floor;
    codes.levels[0] = floats(grey.data(), grey.size()), codes.levels[1] = floats(depth.data(), depth.size());
    return net.add_codes(std::move(codes));
}

int conv(Network &net, int input, Weights weights, std::optional<Weights> masks, In<std::int32_t, 2> limit, int dilation, int groups, int stride) {
    require(limit.shape(1) == weights.shape(0) && limit.shape(0) > 0, "engine: limits and weights do not fit together");
    return net.add_conv(input, filters(weights, masks, dilation, groups), limit.data(), static_cast<int>(limit.shape(0)), stride);
}

int head(Network &net, int input, Weights weights, std::optional<Weights> masks, In<float, 2> scale, In<float, 1> bias) {
    return net.add_head(input, filters(weights, masks, 1, 1), floats(scale.data(), scale.size()), floats(bias.data(), bias.size()));
}

int edge_step(Network &net, int input, In<std::int8_t, 4> first, In<float, 1> first_factor, In<float, 1> first_offset, In<std::int8_t, 4> second,
              In<float, 1> second_factor, In<float, 1> second_offset) {
    const auto threes = [](const auto &weights) { return weights.shape(2) == 3 && weights.shape(3) == 3; };
    const std::size_t hidden = first.shape(0);
    require(threes(first) && threes(second) && second.shape(0) == 4 && second.shape(1) == hidden && first_factor.size() == hidden &&
               first_offset.size() == hidden && second_factor.size() == 4 && second_offset.size() == 4 && hidden <= 1024 && first.shape(1) <= 1024,
           "engine: the edge step's weights do not fit together");
    const float *const scales[4] = {first_factor.data(), first_offset.data(), second_factor.data(), second_offset.data()};
    return net.add_edge(input, edge::make_filters(static_cast<int>(first.shape(1)), static_cast<int>(hidden), first.data(), second.data(), scales));
}

int choice_step(Network &net, int input, In<std::int32_t, 1> windows, float k, float sharpness) {
    return net.add_choice(input, windows.data(), windows.size(), k, sharpness);
}

nb::typed<nb::dict, nb::str, nb::float_> run(const Network &net, In<std::uint8_t, 2> page, std::optional<In<std::uint8_t, 2>> depth, std::optional<Out<float, 2>> logits,
             std::optional<Out<bool, 2>> ink, int threads, std::int64_t tile_rows, std::int64_t tile_columns) {
    const auto fits = [&](const auto &other) { return other.shape(0) == page.shape(0) && other.shape(1) == page.shape(1); };
    require(page.size() > 0 && (!depth || fits(*depth)) && logits.has_value() != ink.has_value() && (!logits || fits(*logits)) && (!ink || fits(*ink)) &&
               tile_rows >= 0 && tile_columns >= 0 && (tile_rows > 0) == (tile_columns > 0),
           "engine: page, second plane and result do not fit together");
    const engine::Output output{logits ? logits->data() : nullptr, ink ? reinterpret_cast<std::uint8_t *>(ink->data()) : nullptr,
                                static_cast<std::int64_t>(page.shape(0)), static_cast<std::int64_t>(page.shape(1))};
    engine::Seconds seconds;
    {
        nb::gil_scoped_release release;
        const std::uint8_t *const planes[2] = {page.data(), depth ? depth->data() : nullptr};
        seconds = net.run(planes, output, threads, tile_rows, tile_columns);
    }
    static constexpr const char *names[engine::ops] = {"codes", "conv", "pool", "upsample", "concat", "head", "edge", "choice"};
    nb::typed<nb::dict, nb::str, nb::float_> by_op;
    for (int op = 0; op < engine::ops; ++op)
        if (op != engine::concat) by_op[names[op]] = seconds.of[op];
    return by_op;
}

}  // namespace

void bind_engine(nb::module_ &m) {
    nb::class_<Network>(m, "Network")
        .def("__init__", [](Network *net, const std::string &level) { new (net) Network(parse_level(level)); }, nb::arg("level"))
        .def("codes", &codes, nb::arg("windows"), nb::arg("theta"), nb::arg("grey"), nb::arg("depth"), nb::arg("floor"))
        .def("conv", &conv, nb::arg("input"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("limit"), nb::arg("dilation"), nb::arg("groups"),
             nb::arg("stride"))
        .def("pool", &Network::add_pool, nb::arg("input"))
        .def("upsample", &Network::add_upsample, nb::arg("input"))
        .def("concat", &Network::add_concat, nb::arg("inputs"))
        .def("head", &head, nb::arg("input"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("scale"), nb::arg("bias"))
        .def("edge", &edge_step, nb::arg("input"), nb::arg("first"), nb::arg("first_factor"), nb::arg("first_offset"), nb::arg("second"),
             nb::arg("second_factor"), nb::arg("second_offset"))
        .def("choice", &choice_step, nb::arg("input"), nb::arg("windows"), nb::arg("k"), nb::arg("sharpness"))
        .def("run", &run, nb::arg("page"), nb::arg("depth").none(), nb::arg("logits").none(), nb::arg("ink").none(), nb::arg("threads"),
             nb::arg("tile_rows"), nb::arg("tile_columns"), "Fills `logits` or `ink`; returns seconds by op, summed over threads.");
}

}  // namespace docbin
