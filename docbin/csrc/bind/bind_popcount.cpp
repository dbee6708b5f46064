// Python's view of the limit of population counts, and of the clock of the core that counts.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
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

// Additions that wait for each other take a cycle each on every core that docbin has met; the time stamp counter would say what the core is sold as.
double core_clock(double seconds) {
#if defined(__GNUC__)
    nb::gil_scoped_release release;
    constexpr int rounds = 20000, chain = 64;
    double best = 0;
    std::uint64_t sum = 1, term = 3;
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        const auto start = std::chrono::steady_clock::now();
        for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 64
            for (int i = 0; i < chain; ++i) {
                sum += term;
                asm volatile("" : "+r"(sum), "+r"(term));
            }
        }
        const auto stop = std::chrono::steady_clock::now();
        best = std::max(best, rounds * static_cast<double>(chain) / std::chrono::duration<double>(stop - start).count());
        if (std::chrono::duration<double>(stop - begin).count() > seconds) return best * 1e-9;
    }
#else
    static_cast<void>(seconds);
    return 0;
#endif
}

}  // namespace

void bind_popcount(nb::module_ &m) {
    m.def("popcount_ceiling", &popcount_ceiling, nb::arg("level"), nb::arg("seconds"),
          "Best rate of +-1 multiply-accumulates by xor, population count and addition on one core, in 10^9 a second, and the instruction that counts.");
    m.def("core_clock", &core_clock, nb::arg("seconds"), "The clock of the core this runs on, in GHz, by additions that wait for each other; 0 where it is not known.");
}

}  // namespace docbin
