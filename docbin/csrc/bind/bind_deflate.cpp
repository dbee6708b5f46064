// The Python face of deflate_rows.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <vector>

#include "deflate/deflate_rows.hpp"

namespace nb = nanobind;

namespace docbin {

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

nb::bytes bind_deflate_rows(Bytes rows) {
    std::vector<std::uint8_t> result;
    {
        nb::gil_scoped_release release;
        result = deflate::deflate_rows(rows.data(), static_cast<std::int64_t>(rows.shape(0) * rows.shape(1)), static_cast<std::int64_t>(rows.shape(1)));
    }
    return nb::bytes(reinterpret_cast<const char *>(result.data()), result.size());
}

}  // namespace

void bind_deflate(nb::module_ &m) { m.def("deflate_rows", &bind_deflate_rows, nb::arg("rows")); }

}  // namespace docbin
