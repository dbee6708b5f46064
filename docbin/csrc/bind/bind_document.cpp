// The Python face of the document kernels: shapes and types are checked here once, docbin/kernels/document.py allocates the results.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "document/reconstruct.hpp"
#include "target.hpp"

namespace nb = nanobind;

namespace docbin {

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Edges = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Limits = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutWhole = nb::ndarray<std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::int64_t rows(const Bytes &page) { return static_cast<std::int64_t>(page.shape(0)); }
std::int64_t columns(const Bytes &page) { return static_cast<std::int64_t>(page.shape(1)); }

template <class Array> void same_shape(const Bytes &page, const Array &other) {
    if (page.shape(0) != other.shape(0) || page.shape(1) != other.shape(1)) throw std::invalid_argument("arrays of unequal shape");
}

// Sums over a window of this many rows and columns may pass 2^32 (squares up to 255^2 each).
bool needs_wide(std::int64_t height, std::int64_t width, std::int64_t ry, std::int64_t rx, std::int64_t largest) {
    const std::int64_t tall = std::min(2 * ry + 1, height), broad = std::min(2 * rx + 1, width);
    return tall * broad > ((std::int64_t{1} << 32) - 1) / largest;
}

// For Su's three sums.
std::vector<std::uint64_t> window_scratch(std::int64_t width, std::int64_t rx, int sums, bool wide) {
    const auto words = static_cast<std::size_t>(sums * (2 * width + 2 * rx + 1));
    return std::vector<std::uint64_t>(wide ? words : (words + 1) / 2);
}

void contrast(const std::string &level, Bytes grey, OutBytes out) {
    same_shape(grey, out);
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    std::vector<std::uint8_t> scratch(2 * (grey.shape(1) + 2));
    kernels.contrast(grey.data(), rows(grey), columns(grey), out.data(), scratch.data());
}

void su(const std::string &level, Bytes grey, Bytes contrasts, int mark, std::int64_t radius, double least, double spread2, OutBytes out) {
    same_shape(grey, contrasts), same_shape(grey, out);
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    const std::int64_t height = rows(grey), width = columns(grey), ry = std::min(radius, height), rx = std::min(radius, width);
    const bool wide = needs_wide(height, width, ry, rx, 255 * 255);
    auto scratch = window_scratch(width, rx, 3, wide);
    kernels.su(grey.data(), contrasts.data(), mark, height, width, ry, rx, least, spread2, wide, out.data(), scratch.data());
}

void background(const std::string &level, Bytes grey, Bytes ink, std::int64_t radius, OutBytes out, OutWhole totals) {
    same_shape(grey, ink), same_shape(grey, out);
    if (totals.shape(0) != 3) throw std::invalid_argument("totals: three integers");
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    const std::int64_t height = rows(grey), width = columns(grey), ry = std::min(radius, height), rx = std::min(radius, width);
    const bool wide = needs_wide(height, width, ry, rx, 255);
    std::vector<std::uint64_t> scratch(static_cast<std::size_t>(document::background_scratch(width, rx, wide) + 7) / 8);
    kernels.background(grey.data(), ink.data(), height, width, ry, rx, wide, out.data(), totals.data(), scratch.data());
}

void below_surface(const std::string &level, Bytes filtered, Bytes surface, Bytes ink, Limits paper_limits, Limits ink_limits, OutBytes out) {
    same_shape(filtered, surface), same_shape(filtered, ink), same_shape(filtered, out);
    if (paper_limits.shape(0) != 256 || ink_limits.shape(0) != 256) throw std::invalid_argument("limits: a byte for each of 256 greys");
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    kernels.below_surface(filtered.data(), surface.data(), ink.data(), rows(filtered) * columns(filtered), paper_limits.data(), ink_limits.data(), out.data());
}

void wiener_noise(const std::string &level, Bytes grey, OutWhole sums) {
    if (sums.shape(0) != 10) throw std::invalid_argument("sums: ten integers");
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    std::vector<std::int32_t> scratch(2 * (grey.shape(1) + 2));
    kernels.wiener_noise(grey.data(), rows(grey), columns(grey), sums.data(), scratch.data());
}

void wiener(const std::string &level, Bytes grey, double noise, OutBytes out) {
    same_shape(grey, out);
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    std::vector<std::int32_t> scratch(2 * (grey.shape(1) + 2));
    kernels.wiener(grey.data(), rows(grey), columns(grey), noise, out.data(), scratch.data());
}

void check_edges(const Edges &edges, std::int64_t until) {
    if (edges.shape(0) < 1 || edges(0) != 0 || edges(edges.shape(0) - 1) != until || !std::is_sorted(edges.data(), edges.data() + edges.shape(0)))
        throw std::invalid_argument("edges: ascending from 0 to the page's side");
}

void cells(const std::string &level, Bytes grey, Edges row_edges, Edges column_edges, int black, int white, OutWhole stats) {
    check_edges(row_edges, rows(grey)), check_edges(column_edges, columns(grey));
    const auto down = static_cast<std::int64_t>(row_edges.shape(0)) - 1, across = static_cast<std::int64_t>(column_edges.shape(0)) - 1;
    if (static_cast<std::int64_t>(stats.shape(0)) != down * across * 4) throw std::invalid_argument("stats: four integers a cell");
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    std::vector<std::uint32_t> scratch(4 * grey.shape(1));
    kernels.cells(grey.data(), columns(grey), row_edges.data(), down, column_edges.data(), across, black, white, stats.data(), scratch.data());
}

void sliding_otsu(const std::string &level, Bytes grey, std::int64_t radius, std::int64_t step, OutBytes out) {
    const std::int64_t height = rows(grey), width = columns(grey), ry = std::min(radius, height), rx = std::min(radius, width);
    if (step < 1 || std::min(2 * ry + 1, height) > 65535) throw std::invalid_argument("step below 1 or more than 65535 rows in the window");
    if (static_cast<std::int64_t>(out.shape(0)) != (height + step - 2) / step + 1 ||
        static_cast<std::int64_t>(out.shape(1)) != (width + step - 2) / step + 1)
        throw std::invalid_argument("out: a byte a node");
    const auto &kernels = target(parse_level(level)).document;
    nb::gil_scoped_release release;
    std::vector<std::uint16_t> counters(static_cast<std::size_t>(width) * 256);
    kernels.sliding_otsu(grey.data(), height, width, ry, rx, step, out.data(), counters.data());
}

void bind_histogram(Bytes grey, OutWhole counts) {
    if (counts.shape(0) != 256) throw std::invalid_argument("counts: 256 integers");
    nb::gil_scoped_release release;
    document::histogram(grey.data(), rows(grey) * columns(grey), counts.data());
}

void bind_keep_seeded(OutBytes ink, Bytes contrasts, int level) {
    same_shape(contrasts, ink);
    nb::gil_scoped_release release;
    document::keep_seeded(ink.data(), contrasts.data(), level, rows(contrasts), columns(contrasts));
}

}  // namespace

void bind_document(nb::module_ &m) {
    m.def("histogram", &bind_histogram, nb::arg("grey"), nb::arg("counts"));
    m.def("keep_seeded", &bind_keep_seeded, nb::arg("ink"), nb::arg("contrasts"), nb::arg("level"));
    m.def("contrast", &contrast, nb::arg("level"), nb::arg("grey"), nb::arg("out"));
    m.def("su", &su, nb::arg("level"), nb::arg("grey"), nb::arg("contrasts"), nb::arg("mark"), nb::arg("radius"), nb::arg("least"), nb::arg("spread2"),
          nb::arg("out"));
    m.def("background", &background, nb::arg("level"), nb::arg("grey"), nb::arg("ink"), nb::arg("radius"), nb::arg("out"), nb::arg("totals"));
    m.def("below_surface", &below_surface, nb::arg("level"), nb::arg("filtered"), nb::arg("surface"), nb::arg("ink"), nb::arg("paper_limits"),
          nb::arg("ink_limits"), nb::arg("out"));
    m.def("wiener_noise", &wiener_noise, nb::arg("level"), nb::arg("grey"), nb::arg("sums"));
    m.def("wiener", &wiener, nb::arg("level"), nb::arg("grey"), nb::arg("noise"), nb::arg("out"));
    m.def("cells", &cells, nb::arg("level"), nb::arg("grey"), nb::arg("row_edges"), nb::arg("column_edges"), nb::arg("black"), nb::arg("white"), nb::arg("stats"));
    m.def("sliding_otsu", &sliding_otsu, nb::arg("level"), nb::arg("grey"), nb::arg("radius"), nb::arg("step"), nb::arg("out"));
}

}  // namespace docbin
