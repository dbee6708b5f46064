// Binds the kernels of docbin/metrics.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "metrics/counts.hpp"
#include "metrics/weights.hpp"
#include "target.hpp"

namespace nb = nanobind;

namespace {

using Bytes = nb::ndarray<const std::uint8_t, nb::shape<-1, -1>, nb::c_contig, nb::device::cpu>;

docbin::BitMask packed(const Bytes &mask) {
    return docbin::BitMask(mask.data(), static_cast<int>(mask.shape(0)), static_cast<int>(mask.shape(1)));
}

template <class T>
auto as_array(std::vector<T> &&values, int height, int width) {
    auto *kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void *data) noexcept { delete static_cast<std::vector<T> *>(data); });
    return nb::ndarray<nb::numpy, T, nb::ndim<2>>(kept->data(), {static_cast<std::size_t>(height), static_cast<std::size_t>(width)}, owner);
}

std::vector<std::int32_t> widened(const docbin::ByteMap &map) {
    std::vector<std::int32_t> values;
    values.reserve(static_cast<std::size_t>(map.height) * map.width);
    for (int y = 0; y < map.height; ++y) values.insert(values.end(), map.row(y), map.row(y) + map.width);
    return values;
}

}  // namespace

namespace docbin {

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
    m.def(
        "metrics_pseudo_counts",
        [](const std::string &level, const Bytes &prediction, const Bytes &truth, int threads) {
            nb::gil_scoped_release release;
            const metrics::Kernels &kernels = target(parse_level(level)).metrics;
            const auto sums = docbin::pseudo_counts(packed(prediction), packed(truth), kernels, threads);
            return std::vector<std::int64_t>(sums.begin(), sums.end());
        },
        nb::arg("level"), nb::arg("prediction"), nb::arg("truth"), nb::arg("threads"), "Weighted sums of two masks; see docbin.kernels.metrics.pseudo_counts.");
    m.def(
        "metrics_weight_parts",
        [](const std::string &level, const Bytes &truth, int threads) {
            const int height = static_cast<int>(truth.shape(0)), width = static_cast<int>(truth.shape(1));
            std::vector<std::int32_t> depth, depth_scale, gap, gap_scale;
            std::vector<std::uint8_t> skeleton(static_cast<std::size_t>(height) * width);
            {
                nb::gil_scoped_release release;
                const docbin::WeightParts parts = docbin::weight_parts(packed(truth), target(parse_level(level)).metrics, threads);
                depth = widened(parts.depth);
                depth_scale.assign(parts.depth_scale.data(), parts.depth_scale.data() + skeleton.size());
                gap = widened(parts.gap);
                gap_scale = widened(parts.gap_scale);
                for (int y = 0; y < height; ++y)
                    for (int x = 0; x < width; ++x) skeleton[static_cast<std::size_t>(y) * width + x] = parts.skeleton.at(y, x);
            }
            return std::make_tuple(as_array(std::move(depth), height, width), as_array(std::move(depth_scale), height, width),
                                   as_array(std::move(gap), height, width), as_array(std::move(gap_scale), height, width),
                                   as_array(std::move(skeleton), height, width));
        },
        nb::arg("level"), nb::arg("truth"), nb::arg("threads"), "Weight maps as ratios of integers; see docbin.kernels.metrics.weight_parts.");
}

}  // namespace docbin
