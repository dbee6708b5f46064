// Python's view of the first layer on pixels. Shapes are checked once more here, because a wrong one would read outside an array.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <stdexcept>

#include "pixels.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

void conv_pixels(const std::string &level, In<std::uint8_t, 3> picture, In<std::int8_t, 4> weights, In<std::int32_t, 2> threshold, int stride, int dilation,
                 int pad, int pad_value, int threads, nb::ndarray<std::uint64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu> out) {
    const Level use = parse_level(level);
    const auto side = [](std::size_t n) { return static_cast<int>(n); };
    const pixels::Shape s{side(picture.shape(0)), side(picture.shape(1)), side(picture.shape(2)), side(weights.shape(0)), side(weights.shape(2)),
                          side(weights.shape(3)), stride, dilation, pad, pad_value, side(threshold.shape(0)), threads};
    const bool good = stride >= 1 && dilation >= 1 && pad >= 0 && pad_value >= 0 && pad_value <= 255 && s.planes > 0 && s.outs > 0 && s.kernel_h > 0 &&
                      s.kernel_w > 0 && side(weights.shape(1)) == s.planes && s.taps() <= pixels::most_taps && s.fan >= 1 &&
                      side(threshold.shape(1)) == s.outs && s.height + 2 * pad > dilation * (s.kernel_h - 1) && s.width + 2 * pad > dilation * (s.kernel_w - 1) &&
                      side(out.shape(0)) == s.fan * ((s.outs + 63) / 64) && side(out.shape(1)) == s.out_height() && side(out.shape(2)) == s.out_width();
    if (!good) throw std::invalid_argument("convolution of pixels: picture, weights, thresholds, stride, padding and output do not fit together");
    nb::gil_scoped_release release;
    pixels::conv(use, s, picture.data(), weights.data(), threshold.data(), out.data());
}

}  // namespace

void bind_pixels(nb::module_ &m) {
    m.def("conv_pixels", &conv_pixels, nb::arg("level"), nb::arg("picture"), nb::arg("weights"), nb::arg("threshold"), nb::arg("stride"),
          nb::arg("dilation"), nb::arg("pad"), nb::arg("pad_value"), nb::arg("threads"), nb::arg("out"));
}

}  // namespace docbin
