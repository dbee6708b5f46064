// Python's view of the stem.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "engine/stem.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

// Transposes 64 x 64 bits: bit j of word i becomes bit i of word j (Hacker's Delight, 7-3).
void transpose(std::uint64_t (&x)[64]) {
    std::uint64_t mask = 0x00000000ffffffffULL;
    for (int j = 32; j; j >>= 1, mask ^= mask << j)
        for (int k = 0; k < 64; k = ((k | j) + 1) & ~j) {
            const std::uint64_t t = (x[k] >> j ^ x[k | j]) & mask;
            x[k] ^= t << j, x[k | j] ^= t;
        }
}

// Codes of a region of cells as channel words (channels / 64, height, width).
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
    const auto height = static_cast<std::int64_t>(out.shape(1)), pitch = (static_cast<std::int64_t>(width) + 63) / 64;
    bool good = page.shape(0) % 2 == 0 && page.shape(1) % 2 == 0 && theta.shape(0) == windows.shape(0) && codes.channels() > 0 &&
                static_cast<int>(64 * out.shape(0)) == codes.channels() && top >= 0 && left >= 0 && width > 0 && top + height <= high && left + width <= wide &&
                static_cast<std::int64_t>(out.shape(2)) == width && (codes.levels[1].empty() || depth);
    if (depth) good = good && depth->shape(0) == page.shape(0) && depth->shape(1) == page.shape(1);
    for (const std::int32_t window : codes.windows) good = good && window % 2 == 1 && window > 0 && window <= stem::widest_window;
    if (!good) throw std::invalid_argument("threshold codes: page, windows, thresholds and output do not fit together");
    nb::gil_scoped_release release;
    stem::Rows rows(use, codes, {{page.data(), depth ? depth->data() : nullptr}, 2 * high, 2 * wide, high, wide}, top, left, width);
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(codes.channels() * pitch));
    std::vector<std::uint64_t *> row(codes.channels());
    for (std::size_t c = 0; c < row.size(); ++c) row[c] = bits.data() + static_cast<std::int64_t>(c) * pitch;
    for (std::int64_t y = 0; y < height; ++y) {
        rows.next(row.data());
        for (std::int64_t j = 0; 64 * j < codes.channels(); ++j)
            for (std::int64_t k = 0; k < pitch; ++k) {
                std::uint64_t block[64];
                for (int c = 0; c < 64; ++c) block[c] = row[64 * j + c][k];
                transpose(block);
                std::copy_n(block, std::min<std::int64_t>(64, width - 64 * k), out.data() + (j * height + y) * width + 64 * k);
            }
    }
}

}  // namespace

void bind_stem(nb::module_ &m) {
    m.def("threshold_codes", &codes, nb::arg("level"), nb::arg("page"), nb::arg("depth").none(), nb::arg("windows"), nb::arg("theta"), nb::arg("grey"),
          nb::arg("depths"), nb::arg("floor"), nb::arg("top"), nb::arg("left"), nb::arg("width"), nb::arg("out"));
}

}  // namespace docbin
