// The Python face of what docbin.assessment measures: shapes are checked here once.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "assessment/pieces.hpp"

namespace nb = nanobind;

namespace docbin {

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
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

}  // namespace

void bind_assessment(nb::module_ &m) {
    m.def("pieces", &bind_pieces, nb::arg("bits"), nb::arg("depth").none(), nb::arg("slope").none(), nb::arg("eight"),
          "A row of eight numbers a connected piece of a mask of 0 and 1; see docbin.kernels.pieces.");
}

}  // namespace docbin
