// Python's view of convolutions of 16-bit numbers.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <stdexcept>

#include "fixed/fixed_point.hpp"
#include "fixed/shrunk.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <class T, std::size_t N> using Out = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

fixed::Rescale rescale_of(const In<float, 1> &factor, const In<float, 1> &offset, float low, float high, std::size_t channels) {
    if (factor.shape(0) != channels || offset.shape(0) != channels || !(low >= -32768.0f) || !(low <= high) || !(high <= 32767.0f))
        throw std::invalid_argument("fixed point: factors, offsets and limits do not fit the channels");
    for (std::size_t c = 0; c < channels; ++c)
        if (!std::isfinite(factor.data()[c]) || !std::isfinite(offset.data()[c])) throw std::invalid_argument("fixed point: factors and offsets must be finite");
    return {factor.data(), offset.data(), low, high};
}

void pointwise(const std::string &level, In<std::int16_t, 2> in, std::optional<In<std::int16_t, 2>> residual, In<std::int16_t, 4> weights, In<float, 1> factor,
               In<float, 1> offset, float low, float high, Out<std::int16_t, 2> out, int threads) {
    const Level use = parse_level(level);
    const std::size_t n = in.shape(0), ins = in.shape(1), outs = out.shape(1);
    const bool good = ins % 2 == 0 && ins > 0 && outs % fixed::block == 0 && outs > 0 && weights.shape(0) == outs / fixed::block && weights.shape(1) == ins / 2 &&
                      weights.shape(2) == fixed::block && weights.shape(3) == 2 && out.shape(0) == n &&
                      (!residual || (residual->shape(0) == n && residual->shape(1) == outs)) && threads > 0;
    if (!good) throw std::invalid_argument("fixed point: input, weights and output do not fit together");
    const fixed::Rescale rescale = rescale_of(factor, offset, low, high, outs);
    nb::gil_scoped_release release;
    fixed::pointwise(use, in.data(), residual ? residual->data() : nullptr, weights.data(), rescale, static_cast<int>(ins), static_cast<int>(outs),
                     static_cast<std::int64_t>(n), out.data(), threads);
}

void depthwise(const std::string &level, In<std::int16_t, 3> in, In<std::int16_t, 3> weights, In<float, 1> factor, In<float, 1> offset, float low, float high, int side,
               int stride, int before, Out<std::int16_t, 3> out, int threads) {
    const Level use = parse_level(level);
    const std::size_t channels = in.shape(2);
    const bool good = channels > 0 && channels % fixed::block == 0 && side > 0 && side <= fixed::largest_side &&
                      weights.shape(0) == static_cast<std::size_t>((side * side + 1) / 2) && weights.shape(1) == channels && weights.shape(2) == 2 && out.shape(2) == channels && stride > 0 && before >= 0 && threads > 0;
    if (!good) throw std::invalid_argument("fixed point: input, weights and output do not fit together");
    const fixed::Rescale rescale = rescale_of(factor, offset, low, high, channels);
    const fixed::Map map{static_cast<std::int64_t>(in.shape(0)), static_cast<std::int64_t>(in.shape(1)), static_cast<int>(channels)};
    nb::gil_scoped_release release;
    fixed::depthwise(use, in.data(), map, weights.data(), rescale, side, stride, before, static_cast<std::int64_t>(out.shape(0)),
                     static_cast<std::int64_t>(out.shape(1)), out.data(), threads);
}

void shrunk(In<std::uint8_t, 3> page, In<std::uint8_t, 2> grey, Out<std::int16_t, 3> out, int threads) {
    const std::size_t height = grey.shape(0), width = grey.shape(1);
    const bool good = height > 0 && width > 0 && page.shape(0) == height && page.shape(1) == width && (page.shape(2) == 1 || page.shape(2) == 3) &&
                      4 * out.shape(0) >= height && 4 * out.shape(1) >= width && out.shape(2) == 4 && threads > 0;
    if (!good) throw std::invalid_argument("shrunk: page, grey and output do not fit together");
    nb::gil_scoped_release release;
    fixed::shrunk({page.data(), grey.data(), static_cast<int>(page.shape(2)), static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)},
                  static_cast<std::int64_t>(out.shape(0)), static_cast<std::int64_t>(out.shape(1)), out.data(), threads);
}

}  // namespace

void bind_fixed_point(nb::module_ &m) {
    m.def("pointwise", &pointwise, nb::arg("level"), nb::arg("maps"), nb::arg("residual").none(), nb::arg("weights"), nb::arg("factor"), nb::arg("offset"),
          nb::arg("low"), nb::arg("high"), nb::arg("out"), nb::arg("threads"));
    m.def("depthwise", &depthwise, nb::arg("level"), nb::arg("maps"), nb::arg("weights"), nb::arg("factor"), nb::arg("offset"), nb::arg("low"), nb::arg("high"),
          nb::arg("side"), nb::arg("stride"), nb::arg("before"), nb::arg("out"), nb::arg("threads"));
    m.def("shrunk", &shrunk, nb::arg("page"), nb::arg("grey"), nb::arg("out"), nb::arg("threads"));
}

}  // namespace docbin
