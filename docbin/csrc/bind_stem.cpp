// Python's view of the stem.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <stdexcept>

#include "stem.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

// Codes of a region of cells as lines (channels, height, ceil(width / 64)).
void codes(const std::string &level, In<std::uint8_t, 2> page, std::optional<In<std::uint8_t, 2>> depth, In<std::int32_t, 1> windows, In<float, 2> theta,
           In<float, 1> grey, In<float, 1> depths, float floor, int top, int left, int width,
           nb::ndarray<std::uint64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu> out) {
    const Level use = parse_level(level);
    stem::Codes codes;
    codes.windows.assign(windows.data(), windows.data() + windows.size());
    codes.theta.assign(theta.data(), theta.data() + theta.size());
    codes.thetas = static_cast<int>(theta.shape(1)), codes.floor = floor;
    codes.levels[0].assign(grey.data(), grey.data() + grey.size());
    codes.levels[1].assign(depths.data(), depths.data() + depths.size());
    const auto high = static_cast<std::int64_t>(page.shape(0) / 2), wide = static_cast<std::int64_t>(page.shape(1) / 2);
    const auto height = static_cast<std::int64_t>(out.shape(1)), pitch = static_cast<std::int64_t>(out.shape(2));
    bool good = page.shape(0) % 2 == 0 && page.shape(1) % 2 == 0 && theta.shape(0) == windows.shape(0) && codes.channels() > 0 &&
                static_cast<int>(out.shape(0)) == codes.channels() && top >= 0 && left >= 0 && width > 0 && top + height <= high && left + width <= wide &&
                pitch == (width + 63) / 64 && (codes.levels[1].empty() || depth);
    if (depth) good = good && depth->shape(0) == page.shape(0) && depth->shape(1) == page.shape(1);
    for (const std::int32_t window : codes.windows) good = good && window % 2 == 1 && window > 0 && window <= stem::widest_window;
    if (!good) throw std::invalid_argument("threshold codes: page, windows, thresholds and output do not fit together");
    nb::gil_scoped_release release;
    stem::Rows rows(use, codes, {{page.data(), depth ? depth->data() : nullptr}, 2 * high, 2 * wide, high, wide}, top, left, width);
    std::vector<std::uint64_t *> lines(codes.channels());
    for (std::int64_t y = 0; y < height; ++y) {
        for (std::size_t c = 0; c < lines.size(); ++c) lines[c] = out.data() + (static_cast<std::int64_t>(c) * height + y) * pitch;
        rows.next(lines.data());
    }
}

}  // namespace

void bind_stem(nb::module_ &m) {
    m.def("threshold_codes", &codes, nb::arg("level"), nb::arg("page"), nb::arg("depth").none(), nb::arg("windows"), nb::arg("theta"), nb::arg("grey"),
          nb::arg("depths"), nb::arg("floor"), nb::arg("top"), nb::arg("left"), nb::arg("width"), nb::arg("out"));
}

}  // namespace docbin
