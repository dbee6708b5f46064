// The Python face of what decoding files takes: shapes are checked here once.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <stdexcept>

#include "files/png_rows.hpp"

namespace nb = nanobind;

namespace docbin {

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

bool bind_png_rows(Bytes filtered, int step, std::int64_t top, OutBytes out) {
    const auto rows = static_cast<std::int64_t>(filtered.shape(0)), width = static_cast<std::int64_t>(out.shape(1));
    if (static_cast<std::int64_t>(filtered.shape(1)) != width + 1) throw std::invalid_argument("filtered: rows of a byte more than those of out");
    if ((step != 1 && step != 3) || width % step) throw std::invalid_argument("step: 1 or 3, of which a row holds a whole number");
    if (top < 0 || top + rows > static_cast<std::int64_t>(out.shape(0))) throw std::invalid_argument("top: more rows than are left of out");
    nb::gil_scoped_release release;
    return files::png_rows(filtered.data(), rows, width, step, top ? out.data() + (top - 1) * width : nullptr, out.data() + top * width);
}

}  // namespace

void bind_files(nb::module_ &m) {
    m.def("png_rows", &bind_png_rows, nb::arg("filtered"), nb::arg("step"), nb::arg("top"), nb::arg("out"),
          "Rows of a PNG from their filtered bytes, below the rows that out holds already; see docbin.kernels.png_rows.");
}

}  // namespace docbin
