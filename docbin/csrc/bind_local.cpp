// Python's face of the local thresholds. Arguments arrive checked by docbin.kernels.local; arrays are made here and filled without the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "local_run.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

using Grey = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using Plane = nb::ndarray<nb::numpy, T, nb::ndim<2>>;

thread_local const char *last_level = "none";

template <class T>
Plane<T> plane_like(const Grey &grey, T *&data) {
    data = new T[grey.shape(0) * grey.shape(1)];
    nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });
    return Plane<T>(data, {grey.shape(0), grey.shape(1)}, owner);
}

LocalPage page_of(const Grey &grey, std::int64_t window) {
    return local_page(grey.data(), static_cast<std::int64_t>(grey.shape(0)), static_cast<std::int64_t>(grey.shape(1)), window);
}

const LocalUnit &chosen(const std::string &level) {
    const LocalUnit &unit = local_unit(parse_level(level));
    last_level = unit.name;
    return unit;
}

Formula formula_of(const std::string &name) {
    const char *names[] = {"niblack", "sauvola", "wolf", "nick", "singh", "phansalkar", "bradley", "wan"};
    for (int i = 0; i < 8; ++i)
        if (name == names[i]) return static_cast<Formula>(i);
    throw std::invalid_argument("no local threshold formula '" + name + "'");
}

// WAN's window maxima, kept until the threshold is done.
void with_brightest(const LocalUnit &unit, const LocalPage &page, LocalThreshold threshold, const LocalOut &out, int threads) {
    std::unique_ptr<std::uint8_t[]> brightest;
    if (threshold.formula == Formula::wan) {
        brightest.reset(new std::uint8_t[static_cast<std::size_t>(page.width) * page.height]);
        local_extreme(unit, page, true, brightest.get(), threads);
        threshold.brightest = brightest.get();
    }
    local_threshold(unit, page, threshold, out, threads);
}

LocalThreshold threshold_of(const std::string &formula, double k, double range, double p, double q) {
    LocalThreshold threshold;
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
        [](Grey grey, std::int64_t window, const std::string &formula, double k, double range, double p, double q, const std::string &level, int threads) {
            const LocalPage page = page_of(grey, window);
            const LocalThreshold threshold = threshold_of(formula, k, range, p, q);
            const LocalUnit &unit = chosen(level);
            LocalOut out;
            bool *ink;
            auto result = plane_like<bool>(grey, ink);
            out.ink = reinterpret_cast<std::uint8_t *>(ink);
            {
                nb::gil_scoped_release released;
                with_brightest(unit, page, threshold, out, threads);
            }
            return result;
        },
        "Ink mask: grey <= threshold.");
    m.def(
        "local_map",
        [](Grey grey, std::int64_t window, const std::string &formula, double k, double range, double p, double q, const std::string &level, int threads) {
            const LocalPage page = page_of(grey, window);
            const LocalThreshold threshold = threshold_of(formula, k, range, p, q);
            const LocalUnit &unit = chosen(level);
            LocalOut out;
            auto result = plane_like<float>(grey, out.map);
            {
                nb::gil_scoped_release released;
                with_brightest(unit, page, threshold, out, threads);
            }
            return result;
        },
        "Threshold map, rounded down to float32.");
    m.def(
        "local_moments",
        [](Grey grey, std::int64_t window, const std::string &level, int threads) {
            const LocalPage page = page_of(grey, window);
            const LocalUnit &unit = chosen(level);
            LocalOut out;
            auto mean = plane_like<double>(grey, out.mean);
            auto deviation = plane_like<double>(grey, out.deviation);
            {
                nb::gil_scoped_release released;
                local_moments(unit, page, out, threads);
            }
            return nb::make_tuple(mean, deviation);
        },
        "Mean and standard deviation of every pixel's window.");
    m.def(
        "local_spread",
        [](Grey grey, std::int64_t window, const std::string &level, int threads) {
            const LocalPage page = page_of(grey, window);
            const LocalUnit &unit = chosen(level);
            LocalSpread found;
            {
                nb::gil_scoped_release released;
                found = local_spread(unit, page, threads);
            }
            return nb::make_tuple(found.darkest, found.variance);
        },
        "Least grey of the page and largest variance of any window.");
    m.def(
        "local_extreme",
        [](Grey grey, std::int64_t window, bool largest, const std::string &level, int threads) {
            const LocalPage page = page_of(grey, window);
            const LocalUnit &unit = chosen(level);
            std::uint8_t *out;
            auto result = plane_like<std::uint8_t>(grey, out);
            {
                nb::gil_scoped_release released;
                local_extreme(unit, page, largest, out, threads);
            }
            return result;
        },
        "Least or largest grey of every pixel's window.");
    m.def("local_last_level", [] { return std::string(last_level); }, "The level of this thread's last local kernel, as that unit names itself.");
}

}  // namespace docbin
