// Python's face of the local thresholds. Arguments arrive checked by docbin.kernels.local; arrays are made here and filled without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "local/local_pages.hpp"
#include "target.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

using Grey = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Plane = nb::ndarray<nb::numpy, T, nb::ndim<2>>;

// Large arrays on huge pages where the system has them, as NumPy does with its own: a page's first touch costs the system more, 4 kB at a time, than thresholding it.
void ask_for_huge_pages([[maybe_unused]] void *data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    if (bytes < std::size_t{4} << 20) return;
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(data) + 4095) / 4096 * 4096;
    madvise(reinterpret_cast<void *>(begin), bytes - (begin - reinterpret_cast<std::uintptr_t>(data)), MADV_HUGEPAGE);
#endif
}

template <class T>
Plane<T> plane_like(const Grey &grey, T *&data) {
    data = new T[grey.shape(0) * grey.shape(1)];
    ask_for_huge_pages(data, grey.shape(0) * grey.shape(1) * sizeof(T));
    nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });
    return Plane<T>(data, {grey.shape(0), grey.shape(1)}, owner);
}

local::Page page_of(const Grey &grey, std::int64_t window) {
    return local::page_of(grey.data(), static_cast<std::int64_t>(grey.shape(0)), static_cast<std::int64_t>(grey.shape(1)), window);
}

local::Formula formula_of(const std::string &name) {
    const char *names[] = {"niblack", "sauvola", "wolf", "nick", "singh", "phansalkar", "bradley", "wan"};
    for (int i = 0; i < 8; ++i)
        if (name == names[i]) return static_cast<local::Formula>(i);
    throw std::invalid_argument("no local threshold formula '" + name + "'");
}

// WAN's window maxima, kept until the threshold is done.
void with_brightest(const local::Kernels &kernels, const local::Page &page, local::Threshold threshold, const local::Out &out, int threads) {
    std::unique_ptr<std::uint8_t[]> brightest;
    if (threshold.formula == local::Formula::wan) {
        brightest.reset(new std::uint8_t[static_cast<std::size_t>(page.width) * page.height]);
        local::extreme_of_page(kernels, page, true, brightest.get(), threads);
        threshold.brightest = brightest.get();
    }
    local::threshold_page(kernels, page, threshold, out, threads);
}

local::Threshold threshold_of(const std::string &formula, double k, double range, double p, double q) {
    local::Threshold threshold;
    threshold.formula = formula_of(formula);
    threshold.k = k;
    threshold.range = range;
    threshold.p = p;
    threshold.q = q;
    return threshold;
}

}  // namespace

void bind_local(nb::module_ &m) {
    m.def(
        "local_ink",
        [](const std::string &level, Grey grey, std::int64_t window, const std::string &formula, double k, double range, double p, double q, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Threshold threshold = threshold_of(formula, k, range, p, q);
            const local::Kernels &kernels = target(parse_level(level)).local;
            local::Out out;
            bool *ink;
            auto result = plane_like<bool>(grey, ink);
            out.ink = reinterpret_cast<std::uint8_t *>(ink);
            {
                nb::gil_scoped_release released;
                with_brightest(kernels, page, threshold, out, threads);
            }
            return result;
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("formula"), nb::arg("k"), nb::arg("range"), nb::arg("p"), nb::arg("q"), nb::arg("threads"),
        "Ink mask: grey <= threshold.");
    m.def(
        "local_map",
        [](const std::string &level, Grey grey, std::int64_t window, const std::string &formula, double k, double range, double p, double q, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Threshold threshold = threshold_of(formula, k, range, p, q);
            const local::Kernels &kernels = target(parse_level(level)).local;
            local::Out out;
            auto result = plane_like<float>(grey, out.map);
            {
                nb::gil_scoped_release released;
                with_brightest(kernels, page, threshold, out, threads);
            }
            return result;
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("formula"), nb::arg("k"), nb::arg("range"), nb::arg("p"), nb::arg("q"), nb::arg("threads"),
        "Threshold map, rounded down to float32.");
    m.def(
        "local_moments",
        [](const std::string &level, Grey grey, std::int64_t window, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Kernels &kernels = target(parse_level(level)).local;
            local::Out out;
            auto mean = plane_like<double>(grey, out.mean);
            auto deviation = plane_like<double>(grey, out.deviation);
            {
                nb::gil_scoped_release released;
                local::moments_of_page(kernels, page, out, threads);
            }
            return std::make_pair(mean, deviation);
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("threads"), "Mean and standard deviation of every pixel's window.");
    m.def(
        "local_spread",
        [](const std::string &level, Grey grey, std::int64_t window, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Kernels &kernels = target(parse_level(level)).local;
            local::Spread found;
            {
                nb::gil_scoped_release released;
                found = local::spread_of_page(kernels, page, threads);
            }
            return std::make_pair(static_cast<int>(found.darkest), found.variance);
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("threads"), "Least grey of the page and largest variance of any window.");
    m.def(
        "local_extreme",
        [](const std::string &level, Grey grey, std::int64_t window, bool largest, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Kernels &kernels = target(parse_level(level)).local;
            std::uint8_t *out;
            auto result = plane_like<std::uint8_t>(grey, out);
            {
                nb::gil_scoped_release released;
                local::extreme_of_page(kernels, page, largest, out, threads);
            }
            return result;
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("largest"), nb::arg("threads"),
        "Least or largest grey of every pixel's window.");
    m.def(
        "bernsen",
        [](const std::string &level, Grey grey, std::int64_t window, int contrast, int flat, int threads) {
            const local::Page page = page_of(grey, window);
            const local::Kernels &kernels = target(parse_level(level)).local;
            if (contrast < 0 || contrast > 255 || flat < 0 || flat > 255) throw std::invalid_argument("bernsen: contrast and threshold are 0 to 255");
            std::uint8_t *out;
            auto result = plane_like<std::uint8_t>(grey, out);
            {
                nb::gil_scoped_release released;
                local::bernsen_page(kernels, page, static_cast<std::uint8_t>(contrast), static_cast<std::uint8_t>(flat), out, threads);
            }
            return result;
        },
        nb::arg("level"), nb::arg("grey"), nb::arg("window"), nb::arg("contrast"), nb::arg("flat"), nb::arg("threads"), "Bernsen's ink, 1 = ink.");
}

}  // namespace docbin
