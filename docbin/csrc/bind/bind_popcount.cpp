// Python's view of the limit of population counts.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <chrono>
#include <utility>

#include "target.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

std::pair<double, std::string> popcount_ceiling(const std::string &level, double seconds) {
    const popcount::Kernels &kernels = target(parse_level(level)).popcount;
    nb::gil_scoped_release release;
    double best = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        const auto start = std::chrono::steady_clock::now();
        const std::int64_t done = kernels.count(20000);
        const auto stop = std::chrono::steady_clock::now();
        const double rate = static_cast<double>(done) / std::chrono::duration<double>(stop - start).count();
        if (rate > best) best = rate;
        if (std::chrono::duration<double>(stop - begin).count() > seconds) return {best * 1e-9, kernels.instruction};
    }
}

}  // namespace

void bind_popcount(nb::module_ &m) {
    m.def("popcount_ceiling", &popcount_ceiling, nb::arg("level"), nb::arg("seconds"),
          "Best rate of +-1 multiply-accumulates by xor, population count and addition on one core, in 10^9 a second, and the instruction that counts.");
}

}  // namespace docbin
