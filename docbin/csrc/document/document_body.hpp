// The loops behind document.hpp, written so that a compiler vectorises them.
#pragma once
#include "document/gatos_body.hpp"

namespace docbin::document {
namespace {

void contrast(const u8 *grey, i64 height, i64 width, u8 *out, u8 *scratch) {
    u8 *__restrict low = scratch, *__restrict high = scratch + width + 2;
    for (i64 y = 0; y < height; ++y) {
        const u8 *above = grey + (y > 0 ? y - 1 : 0) * width, *here = grey + y * width;
        const u8 *below = grey + (y + 1 < height ? y + 1 : y) * width;
        for (i64 x = 0; x < width; ++x) {
            low[x + 1] = least_of(least_of(above[x], here[x]), below[x]);
            high[x + 1] = most_of(most_of(above[x], here[x]), below[x]);
        }
        // A repeated edge column changes no minimum or maximum.
        low[0] = low[1], high[0] = high[1], low[width + 1] = low[width], high[width + 1] = high[width];
        u8 *__restrict row = out + y * width;
        for (i64 x = 0; x < width; ++x) {
            const int least = least_of(least_of(low[x], low[x + 1]), low[x + 2]);
            const int most = most_of(most_of(high[x], high[x + 1]), high[x + 2]);
            const int difference = most - least, sum = most + least;
            // floor(255 d / (s + tiny)) in integers: floor((255 d - 1) / s) for d > 0. The quotient of two integers below 2^16 is either whole or
            // at least 1/510 away from a whole number, so the rounding of a float division cannot carry it across.
            const float numerator = static_cast<float>(255 * difference - (difference > 0 ? 1 : 0));
            const float denominator = static_cast<float>(sum + (sum == 0 ? 1 : 0));
            row[x] = static_cast<u8>(static_cast<int>(numerator / denominator));
        }
    }
}

template <class Word> void su_columns(const u8 *grey, const u8 *contrast, int level, i64 width, Word *__restrict count, Word *__restrict sum,
                                      Word *__restrict square, bool enter) {
    for (i64 x = 0; x < width; ++x) {
        const Word mark = contrast[x] > level ? ~Word{0} : Word{0}, value = grey[x] & mark, one = mark & 1;
        const Word value2 = value * value;
        count[x] = enter ? count[x] + one : count[x] - one;
        sum[x] = enter ? sum[x] + value : sum[x] - value;
        square[x] = enter ? square[x] + value2 : square[x] - value2;
    }
}

template <class Word> void su_rows(const u8 *grey, const u8 *contrast, int level, i64 height, i64 width, i64 ry, i64 rx, double least,
                                   double spread2, u8 *out, Word *scratch) {
    const i64 span = width + 2 * rx + 1;
    Word *count = scratch, *sum = count + width, *square = sum + width;
    Word *counts = square + width, *sums = counts + span, *squares = sums + span;
    for (i64 x = 0; x < 3 * width; ++x) scratch[x] = 0;
    for (i64 y = 0; y < least_of(ry, height); ++y) su_columns<Word>(grey + y * width, contrast + y * width, level, width, count, sum, square, true);
    for (i64 y = 0; y < height; ++y) {
        if (const i64 in = y + ry; in < height)
            su_columns<Word>(grey + in * width, contrast + in * width, level, width, count, sum, square, true);
        if (const i64 gone = y - ry - 1; gone >= 0)
            su_columns<Word>(grey + gone * width, contrast + gone * width, level, width, count, sum, square, false);
        prefix_row(count, counts, width, rx);
        prefix_row(sum, sums, width, rx);
        prefix_row(square, squares, width, rx);
        const u8 *here = grey + y * width;
        u8 *__restrict row = out + y * width;
        const i64 reach = 2 * rx + 1;
        for (i64 x = 0; x < width; ++x) {
            const double n = static_cast<double>(static_cast<Word>(counts[x + reach] - counts[x]));
            const double s = static_cast<double>(static_cast<Word>(sums[x + reach] - sums[x]));
            const double q = static_cast<double>(static_cast<Word>(squares[x + reach] - squares[x]));
            const double above = static_cast<double>(here[x]) * n - s;
            const double limit = spread2 * (n * q - s * s);
            row[x] = static_cast<u8>((n >= least) & ((above <= 0.0) | (above * above <= limit)));
        }
    }
}

// The same with the three sums in one word, for windows in which none of them can pass its part of it: 26 bits of squares, 18 of greys, 20 of pixels. A
// prefix sum may carry from part to part and out of the word; it is linear all the same, so the difference of two is the word of the window.
constexpr i64 su_packed_pixels = 1028;  // 1028 * 255 < 2^18, 1028 * 255^2 < 2^26

void su_packed(const u8 *grey, const u8 *contrast, int level, i64 height, i64 width, i64 ry, i64 rx, double least, double spread2, u8 *out,
               std::uint64_t *scratch) {
    using Word = std::uint64_t;
    Word *__restrict columns = scratch, *prefix = scratch + width;
    const i64 reach = 2 * rx + 1;
    for (i64 x = 0; x < width; ++x) columns[x] = 0;
    const auto word = [&](const u8 *greys, const u8 *contrasts, i64 x) {
        const Word mark = contrasts[x] > level ? ~Word{0} : Word{0}, value = greys[x];
        return mark & (value * value + (value << 26) + (Word{1} << 44));
    };
    const auto enter = [&](i64 y) {
        for (i64 x = 0; x < width; ++x) columns[x] += word(grey + y * width, contrast + y * width, x);
    };
    for (i64 y = 0; y < least_of(ry, height); ++y) enter(y);
    for (i64 y = 0; y < height; ++y) {
        if (y + ry < height) enter(y + ry);
        if (const i64 gone = y - ry - 1; gone >= 0)
            for (i64 x = 0; x < width; ++x) columns[x] -= word(grey + gone * width, contrast + gone * width, x);
        prefix_row<Word>(columns, prefix, width, rx);
        const u8 *here = grey + y * width;
        u8 *__restrict row = out + y * width;
        for (i64 x = 0; x < width; ++x) {
            const Word all = prefix[x + reach] - prefix[x];
            const double n = static_cast<double>(static_cast<std::int32_t>(all >> 44));
            const double s = static_cast<double>(static_cast<std::int32_t>(all >> 26 & 0x3ffff)), q = static_cast<double>(static_cast<std::int32_t>(all & 0x3ffffff));
            const double above = static_cast<double>(here[x]) * n - s;
            const double limit = spread2 * (n * q - s * s);
            row[x] = static_cast<u8>((n >= least) & ((above <= 0.0) | (above * above <= limit)));
        }
    }
}

void su(const u8 *grey, const u8 *contrast, int level, i64 height, i64 width, i64 ry, i64 rx, double least, double spread2, bool wide, u8 *out,
        void *scratch) {
    if (least_of(2 * ry + 1, height) * least_of(2 * rx + 1, width) <= su_packed_pixels)
        su_packed(grey, contrast, level, height, width, ry, rx, least, spread2, out, static_cast<std::uint64_t *>(scratch));
    else if (wide)
        su_rows<std::uint64_t>(grey, contrast, level, height, width, ry, rx, least, spread2, out, static_cast<std::uint64_t *>(scratch));
    else
        su_rows<std::uint32_t>(grey, contrast, level, height, width, ry, rx, least, spread2, out, static_cast<std::uint32_t *>(scratch));
}

void cells(const u8 *grey, i64 width, const i64 *row_edges, i64 rows, const i64 *column_edges, i64 columns, int black, int white, i64 *stats,
           std::uint32_t *scratch) {
    std::uint32_t *__restrict sum = scratch, *__restrict square = sum + width, *__restrict dark = square + width, *__restrict between = dark + width;
    for (i64 cell = 0; cell < rows * columns * 4; ++cell) stats[cell] = 0;
    for (i64 band = 0; band < rows; ++band) {
        for (i64 from = row_edges[band]; from < row_edges[band + 1]; from += 65536) {  // a column's sum of squares stays below 2^32
            for (i64 x = 0; x < 4 * width; ++x) scratch[x] = 0;
            for (i64 y = from; y < least_of(from + 65536, row_edges[band + 1]); ++y) {
                const u8 *row = grey + y * width;
                for (i64 x = 0; x < width; ++x) {
                    const int value = row[x];
                    sum[x] += static_cast<std::uint32_t>(value);
                    square[x] += static_cast<std::uint32_t>(value * value);
                    dark[x] += value <= black;
                    between[x] += (value > black) & (value < white);
                }
            }
            for (i64 column = 0; column < columns; ++column) {
                i64 *cell = stats + (band * columns + column) * 4;
                for (i64 x = column_edges[column]; x < column_edges[column + 1]; ++x)
                    cell[0] += sum[x], cell[1] += square[x], cell[2] += dark[x], cell[3] += between[x];
            }
        }
    }
}

// The smallest level t that maximises the between-class variance of {<= t} and {> t}; 0 where one grey alone is in the histogram.
// With q, b the count and sum up to t, of n and s in all, it is (b n - s q)^2 / (q (n - q)) up to a constant.
//
// Bin t lies at place(t): sixteen chunks of sixteen bins side by side, so that the running sums within all chunks are one vector addition a step.
inline int place(int t) { return (t & 15) * 16 + (t >> 4); }

template <class Word> void running_sums(Word *__restrict bins) {
    alignas(64) Word running[16];
    for (int chunk = 0; chunk < 16; ++chunk) running[chunk] = 0;
    for (int step = 0; step < 16; ++step)
        for (int chunk = 0; chunk < 16; ++chunk) bins[step * 16 + chunk] = running[chunk] += bins[step * 16 + chunk];
    Word total = 0;
    for (int chunk = 0; chunk < 16; ++chunk) {
        const Word own = running[chunk];
        running[chunk] = total, total += own;
    }
    for (int step = 0; step < 16; ++step)
        for (int chunk = 0; chunk < 16; ++chunk) bins[step * 16 + chunk] += running[chunk];
}

template <class Word> u8 otsu_level(const std::uint32_t *__restrict histogram, const std::uint32_t *__restrict greys) {
    alignas(64) Word count[256], sum[256];
    alignas(64) i64 score[256];
    for (int i = 0; i < 256; ++i) count[i] = histogram[i], sum[i] = static_cast<Word>(histogram[i]) * greys[i];
    running_sums(count);
    running_sums(sum);
    const double n = static_cast<double>(count[255]), s = static_cast<double>(sum[255]);
    union Bits { double real; i64 whole; };
    i64 best = 0;
    for (int i = 0; i < 256; ++i) {
        const double q = static_cast<double>(count[i]), apart = static_cast<double>(sum[i]) * n - s * q, weights = q * (n - q);
        Bits bits;
        bits.real = (apart * apart) / (weights > 0.0 ? weights : 1.0);  // weights are 0 only where q is 0 or n, and there b n - s q is 0 too
        score[i] = bits.whole;  // the bits of non-negative doubles are ordered like the doubles
    }
    for (int i = 0; i < 256; ++i) best = most_of(best, score[i]);
    if (best == 0) return 0;
    i64 level = 255;
    for (int i = 0; i < 256; ++i) level = least_of(level, score[i] == best ? static_cast<i64>(greys[i]) : i64{255});
    return static_cast<u8>(level);
}

void sliding_otsu(const u8 *grey, i64 height, i64 width, i64 ry, i64 rx, i64 step, u8 *out, std::uint16_t *columns) {
    alignas(64) std::uint32_t histogram[256], greys[256];
    for (int t = 0; t < 256; ++t) greys[place(t)] = static_cast<std::uint32_t>(t);
    const bool wide = least_of(2 * ry + 1, height) * least_of(2 * rx + 1, width) > (i64{1} << 32) / 256;
    for (i64 y = 0; y < least_of(ry, height); ++y)
        for (i64 x = 0; x < width; ++x) ++columns[x * 256 + place(grey[y * width + x])];
    for (i64 y = 0; y < height; ++y) {
        if (const i64 in = y + ry; in < height)
            for (i64 x = 0; x < width; ++x) ++columns[x * 256 + place(grey[in * width + x])];
        if (const i64 gone = y - ry - 1; gone >= 0)
            for (i64 x = 0; x < width; ++x) --columns[x * 256 + place(grey[gone * width + x])];
        if (y % step != 0 && y != height - 1) continue;
        for (int t = 0; t < 256; ++t) histogram[t] = 0;
        for (i64 x = 0; x < least_of(rx, width); ++x)
            for (int t = 0; t < 256; ++t) histogram[t] += columns[x * 256 + t];
        for (i64 x = 0; x < width; ++x) {
            const std::uint16_t *in = x + rx < width ? columns + (x + rx) * 256 : nullptr;
            const std::uint16_t *gone = x - rx - 1 >= 0 ? columns + (x - rx - 1) * 256 : nullptr;
            if (in && gone)
                for (int t = 0; t < 256; ++t) histogram[t] += static_cast<std::uint32_t>(in[t]) - static_cast<std::uint32_t>(gone[t]);
            else if (in)
                for (int t = 0; t < 256; ++t) histogram[t] += in[t];
            else if (gone)
                for (int t = 0; t < 256; ++t) histogram[t] -= gone[t];
            if (x % step == 0 || x == width - 1) *out++ = wide ? otsu_level<std::uint64_t>(histogram, greys) : otsu_level<std::uint32_t>(histogram, greys);
        }
    }
}

constexpr Kernels table{contrast, su, background<isa::Lanes>, below_surface, wiener_noise, wiener, cells, sliding_otsu};

}  // namespace
}  // namespace docbin::document
