// Python's view of the stem.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <stdexcept>

#include "stem.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N>
using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

void codes(const std::string &level, In<std::uint8_t, 2> page, In<std::int32_t, 1> windows, In<float, 2> theta, In<float, 1> grey, float floor, int top,
           int left, nb::ndarray<std::uint64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu> out) {
    const stem::Run run = stem::runner(parse_level(level));
    stem::Job job{page.data(), static_cast<int>(page.shape(0) / 2), static_cast<int>(page.shape(1) / 2), top, left, static_cast<int>(out.shape(1)),
                  static_cast<int>(out.shape(2)), windows.data(), static_cast<int>(windows.shape(0)), theta.data(), static_cast<int>(theta.shape(1)),
                  grey.data(), static_cast<int>(grey.shape(0)), floor, out.data()};
    const std::size_t channels = 4 * (theta.shape(0) * theta.shape(1) + grey.shape(0));
    bool good = page.shape(0) % 2 == 0 && page.shape(1) % 2 == 0 && theta.shape(0) == windows.shape(0) && channels % 64 == 0 && channels > 0 &&
                out.shape(0) == channels / 64 && top >= 0 && left >= 0 && top + job.height <= job.cells_high && left + job.width <= job.cells_wide;
    for (int w = 0; good && w < job.window_count; ++w) good = windows.data()[w] % 2 == 1 && windows.data()[w] > 0 && windows.data()[w] <= stem::widest_window;
    if (!good) throw std::invalid_argument("threshold codes: page, windows, thresholds and output do not fit together");
    nb::gil_scoped_release release;
    run(job);
}

}  // namespace

void bind_stem(nb::module_ &m) {
    m.def("threshold_codes", &codes, nb::arg("level"), nb::arg("page"), nb::arg("windows"), nb::arg("theta"), nb::arg("grey"), nb::arg("floor"), nb::arg("top"),
          nb::arg("left"), nb::arg("out"));
}

}  // namespace docbin
