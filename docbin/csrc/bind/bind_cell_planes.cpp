// Python's view of what a float network sees of a page.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <stdexcept>
#include <vector>

#include "local/cell_planes.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

// `page` is (height, width, channels); kinds are numbers of planes::Kind; one window, floor and limit a plane.
void cell_planes(const std::string &level, In<std::uint8_t, 3> page, std::optional<In<std::uint8_t, 2>> depth, In<std::int32_t, 1> kinds,
            In<std::int32_t, 1> windows, In<float, 1> floors, In<float, 1> limits, std::int64_t cells_high, std::int64_t cells_wide, std::int64_t top,
            std::int64_t left, nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu> out, int threads) {
    const Level use = parse_level(level);
    const std::size_t count = kinds.size();
    const auto height = static_cast<std::int64_t>(page.shape(0)), width = static_cast<std::int64_t>(page.shape(1));
    const auto rows = static_cast<std::int64_t>(out.shape(1)), columns = static_cast<std::int64_t>(out.shape(2));
    bool good = height > 0 && width > 0 && (page.shape(2) == 1 || page.shape(2) == 3) && windows.size() == count && floors.size() == count &&
                limits.size() == count && out.shape(0) == 4 * count && 2 * cells_high >= height && 2 * cells_wide >= width && top >= 0 && left >= 0 && rows > 0 &&
                columns > 0 && top + rows <= cells_high && left + columns <= cells_wide && threads > 0;
    if (depth) good = good && depth->shape(0) == page.shape(0) && depth->shape(1) == page.shape(1);
    std::vector<planes::Plane> all;
    for (std::size_t p = 0; good && p < count; ++p) {
        good = kinds.data()[p] >= 0 && kinds.data()[p] <= static_cast<int>(planes::Kind::score);
        all.push_back({static_cast<planes::Kind>(kinds.data()[p]), windows.data()[p], floors.data()[p], limits.data()[p]});
        if (all.back().kind == planes::Kind::score) good = good && windows.data()[p] % 2 == 1 && windows.data()[p] > 0 && windows.data()[p] <= planes::widest_window;
        if (all.back().kind == planes::Kind::depth) good = good && depth;
    }
    if (!good) throw std::invalid_argument("cell planes: page, planes, region and output do not fit together");
    nb::gil_scoped_release release;
    planes::fill(use, {page.data(), depth ? depth->data() : nullptr, static_cast<int>(page.shape(2)), height, width, cells_high, cells_wide}, all, top, left, rows,
                columns, out.data(), threads);
}

}  // namespace

void bind_cell_planes(nb::module_ &m) {
    m.def("cell_planes", &cell_planes, nb::arg("level"), nb::arg("page"), nb::arg("depth").none(), nb::arg("kinds"), nb::arg("windows"), nb::arg("floors"),
          nb::arg("limits"), nb::arg("cells_high"), nb::arg("cells_wide"), nb::arg("top"), nb::arg("left"), nb::arg("out"), nb::arg("threads"));
}

}  // namespace docbin
