#include "bind_metrics.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <tuple>
#include <vector>

#include "metrics_counts.hpp"

namespace nb = nanobind;

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;

docbin::BitMask packed(const Bytes &mask) {
    return docbin::BitMask(mask.data(), static_cast<int>(mask.shape(0)), static_cast<int>(mask.shape(1)));
}

}  // namespace

void bind_metrics(nb::module_ &m) {
    m.def(
        "metrics_counts",
        [](const Bytes &prediction, const Bytes &truth) {
            docbin::PixelCounts counts;
            {
                nb::gil_scoped_release release;
                counts = docbin::count_pixels(packed(prediction), packed(truth));
            }
            std::vector<std::int64_t> all{counts.true_ink, counts.false_ink, counts.missed_ink};
            all.insert(all.end(), counts.distortion.begin(), counts.distortion.end());
            all.push_back(counts.mixed_blocks);
            return all;
        },
        nb::arg("prediction"), nb::arg("truth"), "Integer statistics of two masks of 0 and 1; see docbin.kernels.metrics.counts.");
}
