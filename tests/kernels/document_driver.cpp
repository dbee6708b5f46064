// Runs the document kernels and the metrics of every level that this machine has over odd pages and compares each with the scalar level byte by byte. Prints one hash of all scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if levels disagree.
#include <algorithm>
#include <vector>

#include "document/reconstruct.hpp"
#include "drive.hpp"
#include "metrics/counts.hpp"
#include "metrics/weights.hpp"
#include "target.hpp"

using namespace docbin;
using namespace drive;

namespace {

using Bytes = Block<std::uint8_t>;

// What one level makes of a page; every array exactly as large as document.hpp asks for.
struct Results {
    std::vector<unsigned char> bytes;
    template <class T> void add(const Block<T> &block) {
        const auto *p = reinterpret_cast<const unsigned char *>(block.at.get());
        bytes.insert(bytes.end(), p, p + block.count * sizeof(T));
    }
};

Results run(const document::Kernels &kernels, const Bytes &grey, std::int64_t height, std::int64_t width, std::int64_t radius) {
    const auto area = static_cast<std::size_t>(height * width);
    const std::int64_t ry = std::min(radius, height), rx = std::min(radius, width);
    Results results;
    Bytes contrast(area), narrow(2 * static_cast<std::size_t>(width + 2));
    kernels.contrast(grey.at.get(), height, width, contrast.at.get(), narrow.at.get());
    results.add(contrast);
    Bytes ink(area);
    for (const bool wide : {false, true}) {
        const auto words = static_cast<std::size_t>(2 * width + 2 * rx + 1);
        Block<std::uint64_t> scratch(wide ? 3 * words : (3 * words + 1) / 2);
        Block<std::uint64_t> less(static_cast<std::size_t>(document::background_scratch(width, rx, wide) + 7) / 8);
        kernels.su(grey.at.get(), contrast.at.get(), 20, height, width, ry, rx, 5.0, 0.25, wide, ink.at.get(), scratch.at.get());
        results.add(ink);
        Bytes surface(area);
        Block<std::int64_t> totals(3);
        kernels.background(grey.at.get(), ink.at.get(), height, width, ry, rx, wide, surface.at.get(), totals.at.get(), less.at.get());
        results.add(surface), results.add(totals);
        Bytes limits(512), below(area);
        for (int grey_value = 0; grey_value < 512; ++grey_value) limits.at[grey_value] = static_cast<std::uint8_t>(grey_value < 256 ? grey_value - grey_value / 3 : 140);
        kernels.below_surface(grey.at.get(), surface.at.get(), ink.at.get(), height * width, limits.at.get(), limits.at.get() + 256, below.at.get());
        results.add(below);
    }
    Block<std::int64_t> noise(10);
    Block<std::int32_t> rows(2 * static_cast<std::size_t>(width + 2));
    kernels.wiener_noise(grey.at.get(), height, width, noise.at.get(), rows.at.get());
    results.add(noise);
    Bytes smooth(area);
    kernels.wiener(grey.at.get(), height, width, 30.0, smooth.at.get(), rows.at.get());
    results.add(smooth);
    const std::int64_t row_edges[] = {0, height / 3, height}, column_edges[] = {0, width / 2, width / 2, width};
    Block<std::int64_t> stats(2 * 3 * 4);
    Block<std::uint32_t> sums(4 * static_cast<std::size_t>(width));
    kernels.cells(grey.at.get(), width, row_edges, 2, column_edges, 3, 40, 200, stats.at.get(), sums.at.get());
    results.add(stats);
    for (const std::int64_t step : {1, 7}) {
        Bytes nodes(static_cast<std::size_t>(((height + step - 2) / step + 1) * ((width + step - 2) / step + 1)));
        Block<std::uint16_t> columns(static_cast<std::size_t>(width) * 256);
        std::memset(columns.at.get(), 0, columns.count * sizeof(std::uint16_t));
        kernels.sliding_otsu(grey.at.get(), height, width, ry, rx, step, nodes.at.get(), columns.at.get());
        results.add(nodes);
    }
    return results;
}

// Reconstruction, histogram and the metrics' statistics, for the sanitizers and for other machines.
void rest(const Bytes &grey, std::int64_t height, std::int64_t width) {
    const auto area = static_cast<std::size_t>(height * width);
    Bytes truth(area), prediction(area);
    for (std::size_t i = 0; i < area; ++i) {  // strokes and specks
        truth.at[i] = i / 5 % 3 == 0 && grey.at[i] < 240;
        prediction.at[i] = i / 6 % 3 == 0 && grey.at[i] < 200;
    }
    Bytes joined(area);
    std::copy(prediction.at.get(), prediction.at.get() + area, joined.at.get());
    document::keep_seeded(prediction.at.get(), grey.at.get(), 190, height, width);
    document::keep_seeded(joined.at.get(), grey.at.get(), 190, height, width, 0);
    if (!joined.equals(prediction)) {
        std::printf("seeds that grow and joined runs differ: %d x %d\n", static_cast<int>(height), static_cast<int>(width));
        ++failures;
    }
    mix(prediction);
    Block<std::int64_t> counts(256);
    document::histogram(grey.at.get(), height * width, counts.at.get());
    mix(counts);
    const BitMask found(prediction.at.get(), static_cast<int>(height), static_cast<int>(width)), right(truth.at.get(), static_cast<int>(height), static_cast<int>(width));
    const PixelCounts pixels = count_pixels(found, right);
    const std::array<std::int64_t, 6> once = pseudo_counts(found, right, target(Level::scalar).metrics, 1);
    for (const Level level : all_levels)
        for (const int threads : {1, 3}) {
            if (!available(level) || pseudo_counts(found, right, target(level).metrics, threads) == once) continue;
            std::printf("pseudo counts differ between one scalar thread and %d of %s: %d x %d\n", threads, name(level), static_cast<int>(height), static_cast<int>(width));
            ++failures;
        }
    Block<std::int64_t> sums(10);
    std::copy(once.begin(), once.end(), sums.at.get());
    sums.at[6] = pixels.true_ink, sums.at[7] = pixels.false_ink, sums.at[8] = pixels.distortion[3], sums.at[9] = pixels.mixed_blocks;
    mix(sums);
}

}  // namespace

int main() {
    const int shapes[][2] = {{1, 1}, {1, 2}, {2, 1}, {1, 17}, {17, 1}, {3, 64}, {7, 67}, {61, 53}, {40, 129}};
    for (const auto &shape : shapes)
        for (int kind = 0; kind < 3; ++kind) {
            Bytes grey(static_cast<std::size_t>(shape[0]) * shape[1]);
            for (std::size_t i = 0; i < grey.count; ++i)
                grey.at[i] = static_cast<std::uint8_t>(kind == 0 ? random_word() >> 56 : kind == 1 ? 255 : 190 + (random_word() >> 60));
            for (const int radius : {1, 7, 400}) {
                const Results expected = run(target(Level::scalar).document, grey, shape[0], shape[1], radius);
                Block<unsigned char> all(expected.bytes.size());
                std::copy(expected.bytes.begin(), expected.bytes.end(), all.at.get());
                mix(all);
                ++cases;
                for (const Level level : all_levels) {
                    if (!available(level) || run(target(level).document, grey, shape[0], shape[1], radius).bytes == expected.bytes) continue;
                    std::printf("%s differs: %d x %d, kind %d, radius %d\n", name(level), shape[0], shape[1], kind, radius);
                    ++failures;
                }
            }
            rest(grey, shape[0], shape[1]);
        }
    return finish();
}
