// Binds the encoder of docbin/jbig2.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "jbig2/generic_region.hpp"

namespace nb = nanobind;

namespace docbin {

void bind_jbig2(nb::module_ &m) {
    m.def(
        "jbig2_generic_region",
        [](const nb::ndarray<const std::uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu> &rows, std::int64_t width, bool typical) {
            const auto pitch = static_cast<std::int64_t>(rows.shape(1));
            if (width < 1 || pitch != (width + 7) / 8) throw std::invalid_argument("generic region: rows of packed bits and width do not fit together");
            std::vector<std::uint8_t> code;
            {
                nb::gil_scoped_release release;
                code = jbig2::generic_region(rows.data(), pitch, width, static_cast<std::int64_t>(rows.shape(0)), typical);
            }
            return nb::bytes(code.data(), code.size());
        },
        nb::arg("rows"), nb::arg("width"), nb::arg("typical"), "Arithmetic code of a bitmap; see docbin.kernels.jbig2.generic_region.");
}

}  // namespace docbin
