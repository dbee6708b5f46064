// Runs the local thresholds of every level that this machine has over odd pages, windows and formulas, compares each with the scalar level byte by byte,
// and prints one hash of all scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if levels disagree.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "local/local_pages.hpp"
#include "target.hpp"

using namespace docbin;

namespace {

struct Results {
    std::vector<unsigned char> bytes;
    template <class T>
    void add(const T *data, std::size_t count) {
        const auto *p = reinterpret_cast<const unsigned char *>(data);
        bytes.insert(bytes.end(), p, p + count * sizeof(T));
    }
};

Results run(const local::Kernels &kernels, const local::Page &page, int threads) {
    const std::size_t count = static_cast<std::size_t>(page.width) * page.height;
    // Exactly as large as the results: a store past the end is the sanitizer's to see.
    std::unique_ptr<std::uint8_t[]> ink(new std::uint8_t[count]), least(new std::uint8_t[count]), largest(new std::uint8_t[count]);
    std::unique_ptr<float[]> map(new float[count]);
    std::unique_ptr<double[]> mean(new double[count]), deviation(new double[count]);
    Results results;
    local::extreme_of_page(kernels, page, false, least.get(), threads);
    local::extreme_of_page(kernels, page, true, largest.get(), threads);
    results.add(least.get(), count);
    results.add(largest.get(), count);
    local::Out moments;
    moments.mean = mean.get();
    moments.deviation = deviation.get();
    local::moments_of_page(kernels, page, moments, threads);
    results.add(mean.get(), count);
    results.add(deviation.get(), count);
    for (int formula = 0; formula < 8; ++formula) {
        local::Threshold threshold;
        threshold.formula = static_cast<local::Formula>(formula);
        const double k[] = {-0.2, 0.2, 0.5, -0.1, 0.1, 0.25, 0.15, 0.2};
        threshold.k = k[formula];
        threshold.range = threshold.formula == local::Formula::phansalkar ? 0.5 : 128;
        threshold.p = 2;
        threshold.q = 10;
        threshold.brightest = largest.get();
        local::Out only_ink, only_map;
        only_ink.ink = ink.get();
        only_map.map = map.get();
        local::threshold_page(kernels, page, threshold, only_ink, threads);
        local::threshold_page(kernels, page, threshold, only_map, threads);
        results.add(ink.get(), count);
        results.add(map.get(), count);
    }
    return results;
}

}  // namespace

int main() {
    const int shapes[][2] = {{1, 1}, {1, 2}, {1, 17}, {17, 1}, {2, 31}, {5, 64}, {7, 67}, {16, 16}, {61, 53}, {33, 271}, {400, 401}};
    std::uint64_t hash = 1469598103934665603u;
    std::uint32_t state = 12345;
    int failures = 0, cases = 0;
    for (const auto &shape : shapes)
        for (int kind = 0; kind < 3; ++kind)
            for (int window : {1, 3, 15, 47, 363, 100001}) {
                const std::size_t count = static_cast<std::size_t>(shape[0]) * shape[1];
                if (count > 10000 && (kind == 1 || window < 47)) continue;  // the large page is there for the wide sums
                std::unique_ptr<std::uint8_t[]> grey(new std::uint8_t[count]);
                for (std::size_t i = 0; i < count; ++i) {
                    state = state * 1664525u + 1013904223u;
                    grey[i] = static_cast<std::uint8_t>(kind == 0 ? state >> 24 : kind == 1 ? 255 : 190 + (state >> 28));
                }
                const local::Page page = local::page_of(grey.get(), shape[0], shape[1], window);
                const Results expected = run(target(Level::scalar).local, page, 1);
                for (unsigned char byte : expected.bytes) hash = (hash ^ byte) * 1099511628211u;
                ++cases;
                for (Level level : all_levels) {
                    if (!available(level)) continue;
                    for (int threads : {1, 3}) {
                        const Results got = run(target(level).local, page, threads);
                        if (got.bytes.size() == expected.bytes.size() && !std::memcmp(got.bytes.data(), expected.bytes.data(), got.bytes.size())) continue;
                        std::printf("%s differs: %d x %d, kind %d, window %d, threads %d\n", name(level), shape[0], shape[1], kind, window, threads);
                        ++failures;
                    }
                }
            }
    std::printf("%d cases, hash %016llx, levels", cases, static_cast<unsigned long long>(hash));
    for (const auto &level : available_levels()) std::printf(" %s", level.c_str());
    std::printf("\n");
    return failures != 0;
}
