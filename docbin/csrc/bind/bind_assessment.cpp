// The Python face of what docbin.assessment measures: shapes are checked here once.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "assessment/area_means.hpp"
#include "assessment/pieces.hpp"
#include "assessment/zone_counts.hpp"

namespace nb = nanobind;

namespace docbin {

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutCounts = nb::ndarray<std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<nb::numpy, std::int64_t, nb::ndim<2>>;

Table bind_pieces(Bytes bits, std::optional<Bytes> depth, std::optional<Bytes> slope, bool eight) {
    if (depth.has_value() != slope.has_value()) throw std::invalid_argument("depth and slope come together");
    for (const auto &plane : {depth, slope})
        if (plane && (plane->shape(0) != bits.shape(0) || plane->shape(1) != bits.shape(1))) throw std::invalid_argument("arrays of unequal shape");
    auto *kept = new std::vector<assessment::Piece>;
    nb::capsule owner(kept, [](void *data) noexcept { delete static_cast<std::vector<assessment::Piece> *>(data); });
    {
        nb::gil_scoped_release release;
        *kept = assessment::pieces(bits.data(), depth ? depth->data() : nullptr, slope ? slope->data() : nullptr, eight,
                                   static_cast<std::int64_t>(bits.shape(0)), static_cast<std::int64_t>(bits.shape(1)));
    }
    static_assert(sizeof(assessment::Piece) == assessment::columns * sizeof(std::int64_t));
    return Table(reinterpret_cast<std::int64_t *>(kept->data()), {kept->size(), static_cast<std::size_t>(assessment::columns)}, owner);
}

using Floats = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

auto bind_peaks(Bytes bits, Floats first, Floats second, Floats third) {
    for (const auto *plane : {&first, &second, &third})
        if (plane->shape(0) != bits.shape(0) || plane->shape(1) != bits.shape(1)) throw std::invalid_argument("arrays of unequal shape");
    auto *kept = new std::vector<assessment::Peaks>;
    nb::capsule owner(kept, [](void *data) noexcept { delete static_cast<std::vector<assessment::Peaks> *>(data); });
    {
        nb::gil_scoped_release release;
        *kept = assessment::peaks(bits.data(), first.data(), second.data(), third.data(), static_cast<std::int64_t>(bits.shape(0)),
                                  static_cast<std::int64_t>(bits.shape(1)));
    }
    static_assert(sizeof(assessment::Peaks) == assessment::peak_columns * sizeof(double));
    return nb::ndarray<nb::numpy, double, nb::ndim<2>>(reinterpret_cast<double *>(kept->data()), {kept->size(), static_cast<std::size_t>(assessment::peak_columns)}, owner);
}

void bind_area_means(Bytes plane, std::int64_t every, int times, OutBytes out) {
    const auto height = static_cast<std::int64_t>(plane.shape(0)), width = static_cast<std::int64_t>(plane.shape(1));
    const auto out_height = static_cast<std::int64_t>(out.shape(0)), out_width = static_cast<std::int64_t>(out.shape(1));
    if (every < 1 || times < 0 || times > 255) throw std::invalid_argument("every: at least 1; times: 0 to 255");
    const std::int64_t rows = (height + every - 1) / every, columns = (width + every - 1) / every;
    if (out_height < 1 || out_width < 1 || out_height > rows || out_width > columns)
        throw std::invalid_argument("out: 1 to as many rows and columns as are left of the plane");
    if (rows % out_height == 0 && columns % out_width == 0) throw std::invalid_argument("out: cells of whole pixels are left to OpenCV");
    nb::gil_scoped_release release;
    assessment::area_means(plane.data(), height, width, every, times, out_height, out_width, out.data());
}

void bind_zone_counts(Bytes zones, Bytes first, Bytes second, OutCounts first_counts, OutCounts second_counts) {
    for (const auto *plane : {&first, &second})
        if (plane->shape(0) != zones.shape(0) || plane->shape(1) != zones.shape(1)) throw std::invalid_argument("arrays of unequal shape");
    for (const auto *counts : {&first_counts, &second_counts})
        if (counts->shape(0) != assessment::zones_of_a_page || counts->shape(1) != 256) throw std::invalid_argument("counts: 256 integers a zone");
    nb::gil_scoped_release release;
    assessment::zone_counts(zones.data(), first.data(), second.data(), static_cast<std::int64_t>(zones.shape(0) * zones.shape(1)),
                            first_counts.data(), second_counts.data());
}

void bind_keep_by_cells(OutBytes bits, nb::ndarray<const std::int16_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> cells, std::int64_t side, std::int64_t least) {
    const auto height = static_cast<std::int64_t>(bits.shape(0)), width = static_cast<std::int64_t>(bits.shape(1));
    if (side < 1 || static_cast<std::int64_t>(cells.shape(0)) * side < height || static_cast<std::int64_t>(cells.shape(1)) * side < width)
        throw std::invalid_argument("cells: they do not cover the mask");
    nb::gil_scoped_release release;
    assessment::keep_by_cells(bits.data(), {cells.data(), side, static_cast<std::int64_t>(cells.shape(1))}, least, height, width);
}

}  // namespace

void bind_assessment(nb::module_ &m) {
    m.def("pieces", &bind_pieces, nb::arg("bits"), nb::arg("depth").none(), nb::arg("slope").none(), nb::arg("eight"),
          "A row of nine numbers a connected piece of a mask of 0 and 1; see docbin.kernels.pieces.");
    m.def("piece_peaks", &bind_peaks, nb::arg("bits"), nb::arg("first"), nb::arg("second"), nb::arg("third"),
          "Pixels and the largest values of three planes of every piece of a mask of 0 and 1; see docbin.kernels.pieces.");
    m.def("keep_by_cells", &bind_keep_by_cells, nb::arg("bits"), nb::arg("cells"), nb::arg("side"), nb::arg("least"),
          "Clears pieces of a mask of 0 and 1, in place; see docbin.kernels.pieces.");
    m.def("area_means", &bind_area_means, nb::arg("plane"), nb::arg("every"), nb::arg("times"), nb::arg("out"));
    m.def("zone_counts", &bind_zone_counts, nb::arg("zones"), nb::arg("first"), nb::arg("second"), nb::arg("first_counts"), nb::arg("second_counts"));
}

}  // namespace docbin
