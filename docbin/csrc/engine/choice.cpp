// The choice over rows of cells of 2 x 2 pixels: three rows of lines are kept, and go round.
#include "engine/choice.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "target.hpp"

namespace docbin::choice {
namespace {

constexpr std::int64_t margin = 1;  // cells before and after a row, which repeat its ends

template <class T> void repeat_ends(T *row, std::int64_t wide) { row[-1] = row[0], row[wide] = row[wide - 1]; }

// Rows of numbers with a margin, each as long as a vector may read.
template <class T> class Table {
public:
    Table(int rows, std::int64_t n, T filled = {}) : pitch_(n + 2 * margin), numbers_(static_cast<std::size_t>(rows * pitch_), filled) {}
    T *row(int k) { return numbers_.data() + k * pitch_ + margin; }

private:
    std::int64_t pitch_;
    std::vector<T> numbers_;
};

}  // namespace

Chooser make_chooser(const std::int32_t *windows, std::size_t count, bool page, float floor, float k, float sharpness) {
    const bool widths = std::all_of(windows, windows + count, [](std::int32_t w) { return w > 0 && w % 2 == 1 && w <= stem::widest_window; });
    if (!count || count > most_windows || !widths || !(floor >= 1.0f && floor <= 255.0f && k >= 0.0f && k <= 1.0f) ||
        !(sharpness > 0.0f && sharpness <= sharpest && sharpness <= steepest * floor))
        throw std::invalid_argument("engine: the choice's windows or numbers do not fit");
    Chooser chooser;
    chooser.numbers = {static_cast<int>(count), page, (1.0f - k) - k * floor * (1.0f / 128.0f), k * (1.0f / 128.0f), sharpness};
    std::vector<std::int32_t> &all = chooser.seen.windows;
    all.assign(windows, windows + count);
    chooser.unit = static_cast<int>(std::find(all.begin(), all.end(), scale_window) - all.begin());
    if (chooser.unit == chooser.numbers.windows) all.push_back(scale_window);
    chooser.seen.floor = floor;
    return chooser;
}

void run(Level level, const Chooser &chooser, const stem::Page &page, const Said &said, std::int64_t top, std::int64_t bottom, float *logits,
         std::uint8_t *ink) {
    const Kernels &kernels = target(level).choice;
    const head::Kernels &heads = target(level).head;
    const std::int64_t wide = page.cells_wide, high = page.cells_high, n = (wide + block - 1) / block * block, begin = std::max<std::int64_t>(0, top - 1);
    const int outputs = chooser.outputs(), windows = static_cast<int>(chooser.seen.windows.size());
    stem::Rows rows(level, chooser.seen, page, begin, 0, wide);
    Table<std::int16_t> line(1, n), raised(outputs, n);
    Table<float> means(windows, n), deviations(windows, n, 1.0f), drawn(2, n), laid_out(1, 2 * n);  // what is divided by stays above 0 behind a row's end
    Table<std::int32_t> lines(3 * parts, n), between(parts, n);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(2 * n));
    std::vector<std::int16_t> pixels[2][4];
    for (auto &plane : pixels)
        for (auto &pixel : plane) pixel.assign(static_cast<std::size_t>(n), 0);
    std::vector<const std::int16_t *> said_rows;
    std::vector<float *> mean_rows, deviation_rows;
    for (int output = 0; output < outputs; ++output) said_rows.push_back(raised.row(output));
    for (int window = 0; window < windows; ++window) mean_rows.push_back(means.row(window)), deviation_rows.push_back(deviations.row(window));
    const Seen seen{said_rows.data(), mean_rows.data(), deviation_rows.data(), deviation_rows[chooser.unit]};
    const auto part = [&](std::int64_t y, int k) { return lines.row(static_cast<int>(y % 3) * parts + k); };

    for (std::int64_t y = begin; y <= bottom; ++y) {
        // The lines of row y, then the pixels of row y - 1.
        if (y < high) {
            const std::int64_t near = y / 2, far = std::clamp<std::int64_t>(near + (y % 2 ? 1 : -1), 0, said.high - 1);
            for (int output = 0; output < outputs; ++output) {
                kernels.between(said.row(output, near), said.row(output, far), said.wide, line.row(0));
                repeat_ends(line.row(0), said.wide);
                kernels.twice(line.row(0), said.wide, raised.row(output));
            }
            rows.next_moments(mean_rows.data(), deviation_rows.data());
            std::int32_t *const out[parts] = {part(y, 0), part(y, 1), part(y, 2), part(y, 3)};
            kernels.lines(seen, chooser.numbers, n, out);
            for (std::int32_t *const row : out) repeat_ends(row, wide);
        }
        const std::int64_t done = y - 1;
        if (done < top) continue;
        for (int plane = 0; plane < 1 + chooser.numbers.page; ++plane) rows.pixels(plane, done, 0, wide, pixels[plane]);
        for (std::int64_t dy = 0; dy < 2; ++dy) {
            const std::int64_t row = 2 * done + dy;
            if (row >= page.height) break;
            const std::int64_t far = std::clamp<std::int64_t>(done + (dy ? 1 : -1), 0, high - 1);
            const std::int32_t *between_rows[parts];
            for (int k = 0; k < parts; ++k) {
                kernels.between_lines(part(done, k) - margin, part(far, k) - margin, wide + 2 * margin, between.row(k) - margin);
                between_rows[k] = between.row(k);
            }
            for (int dx = 0; dx < 2; ++dx) {
                const std::int16_t *depth = chooser.numbers.page ? pixels[1][2 * dy + dx].data() : nullptr;
                kernels.decide(between_rows, dx ? 1 : -1, pixels[0][2 * dy + dx].data(), depth, wide, drawn.row(dx));
            }
            for (std::int64_t x = 0; x < n; x += block) {
                if (ink)
                    heads.ink(drawn.row(0) + x, drawn.row(1) + x, bytes.data() + 2 * x);
                else
                    heads.lay_out(drawn.row(0) + x, drawn.row(1) + x, laid_out.row(0) + 2 * x);
            }
            if (ink)
                std::memcpy(ink + row * page.width, bytes.data(), static_cast<std::size_t>(page.width));
            else
                std::memcpy(logits + row * page.width, laid_out.row(0), static_cast<std::size_t>(4 * page.width));
        }
    }
}

}  // namespace docbin::choice
