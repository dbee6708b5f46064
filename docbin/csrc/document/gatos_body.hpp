// Gatos's method: the Wiener filter over 3 x 3, the surface of the paper, and ink below it. Every decision is that of the exact rule in document.hpp; where
// float32 or a table stands in for it, the comment says why it cannot decide otherwise.
#pragma once
#include <cstring>
#include <type_traits>

#include "document/window_sums.hpp"

namespace docbin::document {
namespace {

// The 3 x 3 neighbourhoods work on g' = g - 128, which has the same variance: sums of three rows fit 16 bits with a sign, of their squares 16 without.
// With n pixels, sum S' and sum of squares Q', n^2 times the variance is the whole number n Q' - S'^2, below 81 * 128^2, and the sum of the greys S' + 128 n.
constexpr int middle_grey = 128;

constexpr i64 piece = 64;  // pixels of a row that are decided together

DOCBIN_NOINLINE void sum_of_rows(const u8 *__restrict a, const u8 *__restrict b, const u8 *__restrict c, i64 width, std::int16_t *__restrict sum) {
    for (i64 x = 0; x < width; ++x) sum[x] = static_cast<std::int16_t>(a[x] + b[x] + c[x] - 3 * middle_grey);
}

inline int square_of(u8 grey) { return (grey - middle_grey) * (grey - middle_grey); }

DOCBIN_NOINLINE void squares_of_rows(const u8 *__restrict a, const u8 *__restrict b, const u8 *__restrict c, i64 width, std::uint16_t *__restrict square) {
    for (i64 x = 0; x < width; ++x) square[x] = static_cast<std::uint16_t>(square_of(a[x]) + square_of(b[x]) + square_of(c[x]));
}

// The rows around y that are in the page, and the sums of each column over them, with a column of zeros on either side: column x at x + 1.
struct RowsAbout {
    const u8 *first;
    i64 count;

    RowsAbout(const u8 *grey, i64 height, i64 width, i64 y) : first(grey + (y > 0 ? y - 1 : 0) * width), count((y > 0) + 1 + (y + 1 < height)) {}

    void sums(i64 width, std::int16_t *sum) const {
        sum[0] = sum[width + 1] = 0;
        if (count == 3) return sum_of_rows(first, first + width, first + 2 * width, width, sum + 1);
        for (i64 x = 0; x < width; ++x) sum[x + 1] = static_cast<std::int16_t>(first[x] + (count > 1 ? first[width + x] : middle_grey) - 2 * middle_grey);
    }

    void squares(i64 width, std::uint16_t *square) const {
        square[0] = square[width + 1] = 0;
        if (count == 3) return squares_of_rows(first, first + width, first + 2 * width, width, square + 1);
        for (i64 x = 0; x < width; ++x) square[x + 1] = static_cast<std::uint16_t>(square_of(first[x]) + (count > 1 ? square_of(first[width + x]) : 0));
    }

    int column_square(i64 width, i64 x) const {
        int sum = 0;
        for (i64 row = 0; row < count; ++row) sum += square_of(first[row * width + x]);
        return sum;
    }
};

// Row `y`, if there is one, will soon be read for the first time.
inline void announce_row(const u8 *page, i64 height, i64 width, i64 y) {
    if (y < height)
        for (i64 x = 0; x < width; x += 64) DOCBIN_PREFETCH(page + y * width + x);
}

inline int neighbours(i64 x, i64 width) { return 1 + (x > 0 ? 1 : 0) + (x + 1 < width ? 1 : 0); }

DOCBIN_NOINLINE i64 sum_of_squares(const std::int16_t *values, i64 count) {
    i64 all = 0;
    for (i64 from = 0; from < count; from += 1024) {  // of at most 1152 each
        std::int32_t some = 0;
        for (i64 x = from; x < least_of(from + 1024, count); ++x) some += values[x] * values[x];
        all += some;
    }
    return all;
}

DOCBIN_NOINLINE i64 row_square(const u8 *grey, i64 width) {
    i64 all = 0;
    for (i64 from = 0; from < width; from += 65536) {
        std::int32_t some = 0;
        for (i64 x = from; x < least_of(from + 65536, width); ++x) {
            const std::int16_t value = static_cast<std::int16_t>(grey[x] - middle_grey);
            some += value * value;
        }
        all += some;
    }
    return all;
}

DOCBIN_NOINLINE void threes_of(const std::int16_t *__restrict sum, i64 count, std::int16_t *__restrict three) {
    for (i64 x = 0; x < count; ++x) three[x] = static_cast<std::int16_t>(sum[x] + sum[x + 1] + sum[x + 2]);
}

// In the inside of a row every window holds n pixels and the sum of n Q' - S'^2 needs no Q' of its own: every column's squares are in three windows, but for the
// two at either end, which are in one and in two.
void wiener_noise(const u8 *grey, i64 height, i64 width, i64 *sums, std::int32_t *scratch) {
    std::int16_t *sum = reinterpret_cast<std::int16_t *>(scratch), *three = sum + width + 2;
    for (int n = 0; n < 10; ++n) sums[n] = 0;
    i64 above = 0, here = 0, below = row_square(grey, width);
    for (i64 y = 0; y < height; ++y) {
        announce_row(grey, height, width, y + 4);
        const RowsAbout rows(grey, height, width, y);
        rows.sums(width, sum);
        above = here, here = below, below = y + 1 < height ? row_square(grey + (y + 1) * width, width) : 0;
        if (width > 2) {
            threes_of(sum + 1, width - 2, three);
            const auto column = [&](i64 x) { return static_cast<i64>(rows.column_square(width, x)); };
            const i64 squares = 3 * (above + here + below) - 2 * (column(0) + column(width - 1)) - column(1) - column(width - 2), n = 3 * rows.count;
            sums[n] += n * squares - sum_of_squares(three, width - 2);
        }
        for (i64 x = 0; x < width; x += width > 1 ? width - 1 : 1) {
            const i64 n = neighbours(x, width) * rows.count, s = sum[x] + sum[x + 1] + sum[x + 2];
            i64 q = 0;
            for (i64 column = x > 0 ? x - 1 : 0; column < least_of(x + 2, width); ++column) q += rows.column_square(width, column);
            sums[n] += n * q - s * s;
        }
    }
}

inline double wiener_variance(int spread, int n) { return spread / (static_cast<double>(n) * n); }

// The definition. n * n * variance and n * mean are whole numbers; one formula for the middle of a row and for its ends.
inline u8 wiener_pixel(int value, int s, int q, int n, double noise) {
    const double mean = (s + middle_grey * n) / static_cast<double>(n), variance = wiener_variance(n * q - s * s, n);
    const bool calm = variance <= noise;
    const double shrunk = mean + ((variance - noise) * (value - mean)) / (calm ? 1.0 : variance);
    return static_cast<u8>(static_cast<int>(calm ? mean : shrunk));
}

// The largest whole number that n * n times a variance may be for the pixel to be calm.
inline int calm_spread(int n, double noise) {
    int low = -1, high = n * n * middle_grey * middle_grey;  // no spread is larger
    while (low < high) {
        const int half = low + (high - low + 1) / 2;
        if (wiener_variance(half, n) <= noise)
            low = half;
        else
            high = half - 1;
    }
    return low;
}

// n^2 times the variance of some pixels; returns whether all of them are calm.
template <bool whole> DOCBIN_NOINLINE bool spreads_of(const std::int16_t *__restrict three, const std::uint16_t *__restrict square, i64 length, int n, int calm,
                                std::int32_t *__restrict spread) {
    if (whole) length = piece;  // known to the compiler
    std::int32_t largest = 0;
    for (i64 x = 0; x < length; ++x) {
        const int s = three[x], q = square[x] + square[x + 1] + square[x + 2];
        spread[x] = n * q - s * s;
        largest = most_of(largest, spread[x]);
    }
    return largest <= calm;
}

// The mean, rounded down, is the upper half of 32 bits of (S + 128 n) * (2^16 / n + 1): that is too large by at most 2295 / 2^16, less than 1 / 9.
inline u8 mean_down(std::int16_t three, std::uint16_t base, std::uint16_t share) {
    return static_cast<u8>((static_cast<std::uint32_t>(static_cast<std::uint16_t>(three + base)) * share) >> 16);
}

template <bool whole> DOCBIN_NOINLINE void means_of(const std::int16_t *__restrict three, i64 length, std::uint16_t base, std::uint16_t share, u8 *__restrict out) {
    if (whole) length = piece;  // known to the compiler
    for (i64 x = 0; x < length; ++x) out[x] = mean_down(three[x], base, share);
}

// What float32 says of some pixels, and which of them are too near a whole number for it to say; returns whether there are such. With v = n^2 times the variance,
// the filter's result is grey - noise n (n grey - S) / v, where the fraction is at most |grey - mean| <= 255: three roundings of it and one of the difference
// are under 4 * 2^-24 * 255 < 2^-14, the definition's own in float64 far less. Where n grey = S the definition, too, gives grey itself.
template <bool whole> DOCBIN_NOINLINE bool shrink(const u8 *__restrict grey, const std::int16_t *__restrict three, const std::int32_t *__restrict spread, i64 length, int n, int calm,
                            std::uint16_t share, float noise, u8 *__restrict out, u8 *__restrict unsure) {
    if (whole) length = piece;  // known to the compiler
    const std::uint16_t base = static_cast<std::uint16_t>(middle_grey * n);
    constexpr float near = 1.0f / 8192;
    u8 any = 0;
    for (i64 x = 0; x < length; ++x) {
        const int v = spread[x], off = n * (grey[x] - middle_grey) - three[x];
        const bool is_calm = v <= calm;
        const float value = static_cast<float>(grey[x]) - noise * static_cast<float>(off) / static_cast<float>(v > 0 ? v : 1);
        const int up = static_cast<int>(value + near), low = static_cast<int>(value - near);
        out[x] = is_calm ? mean_down(three[x], base, share) : static_cast<u8>(up);
        unsure[x] = static_cast<u8>(!is_calm & (off != 0) & ((up != low) | (value < near)));
        any |= unsure[x];
    }
    return any != 0;
}

void wiener(const u8 *grey, i64 height, i64 width, double noise, u8 *out, std::int32_t *scratch) {
    std::int16_t *sum = reinterpret_cast<std::int16_t *>(scratch);
    std::uint16_t *square = reinterpret_cast<std::uint16_t *>(sum + width + 2);
    alignas(64) std::int16_t three[piece];
    alignas(64) std::int32_t spread[piece];
    alignas(64) u8 unsure[piece];
    int calm[4] = {};
    for (int rows = 1; rows <= 3; ++rows) calm[rows] = calm_spread(3 * rows, noise);
    for (i64 y = 0; y < height; ++y) {
        announce_row(grey, height, width, y + 4);
        const RowsAbout rows(grey, height, width, y);
        rows.sums(width, sum), rows.squares(width, square);
        const int n = static_cast<int>(3 * rows.count);
        const std::uint16_t base = static_cast<std::uint16_t>(middle_grey * n), share = static_cast<std::uint16_t>(65536 / n + 1);
        const u8 *here = grey + y * width;
        u8 *row = out + y * width;
        const auto exact = [&](i64 x) {
            row[x] = wiener_pixel(here[x], sum[x] + sum[x + 1] + sum[x + 2], square[x] + square[x + 1] + square[x + 2],
                                  neighbours(x, width) * static_cast<int>(rows.count), noise);
        };
        const auto pixels = [&](i64 from, i64 length, auto whole) {
            constexpr bool all = decltype(whole)::value;
            threes_of(sum + from, length, three);
            if (spreads_of<all>(three, square + from, length, n, calm[rows.count], spread)) {
                means_of<all>(three, length, base, share, row + from);
            } else if (shrink<all>(here + from, three, spread, length, n, calm[rows.count], share, static_cast<float>(noise * n), row + from, unsure)) {
                for (i64 x = 0; x < length; ++x)
                    if (unsure[x]) exact(from + x);
            }
        };
        i64 from = 1;
        for (; from + piece < width; from += piece) pixels(from, piece, std::true_type{});
        if (from < width - 1) pixels(from, width - 1 - from, std::false_type{});
        for (i64 x = 0; x < width; x += width > 1 ? width - 1 : 1) exact(x);
    }
}

struct PaperTotals {
    i64 lift = 0, inked = 0, surface = 0;
};

// The surface of `length` pixels: see document.hpp. Real: float while a window holds at most 65536 pixels: then s < 2^24 and n are exact and a quotient that is not
// whole lies at least 1 / n >= 2^-16 under the next whole number, where float32 rounds by at most 2^-17. Else double: s / n < 256 and n < 2^43.
template <class Real, class Word, bool whole>
DOCBIN_NOINLINE void surface_of(const u8 *__restrict grey, const u8 *__restrict ink, const Word *__restrict counts, const Word *__restrict sums, i64 reach,
                                i64 length, u8 *__restrict out, PaperTotals &totals) {
    if (whole) length = piece;
    std::int32_t lift = 0, inked = 0, surface = 0;  // `length` is at most 1024
    for (i64 x = 0; x < length; ++x) {
        const Real n = static_cast<Real>(static_cast<Word>(counts[x + reach] - counts[x])), s = static_cast<Real>(static_cast<Word>(sums[x + reach] - sums[x]));
        const int mean = static_cast<int>(s / (n > 0 ? n : 1));
        const int value = (ink[x] != 0) & (n > 0) ? mean : grey[x];
        out[x] = static_cast<u8>(value);
        lift += value - grey[x];
        inked += ink[x] != 0;
        surface += ink[x] ? 0 : grey[x];
    }
    totals.lift += lift, totals.inked += inked, totals.surface += surface;
}

bool any_of(const u8 *bytes, i64 length) {
    u8 any = 0;
    if (length == piece)
        for (int x = 0; x < piece; ++x) any |= bytes[x];
    else
        for (i64 x = 0; x < length; ++x) any |= bytes[x];
    return any != 0;
}

// Only ink looks at the window: a piece of the row without any is its own surface.
template <class Real, class Word>
void surface_row(const u8 *grey, const u8 *ink, const Word *counts, const Word *sums, i64 reach, i64 width, u8 *out, PaperTotals &totals) {
    for (i64 x = 0; x < width; x += piece) {
        const i64 length = least_of(piece, width - x);
        if (any_of(ink + x, length)) {
            (length == piece ? surface_of<Real, Word, true> : surface_of<Real, Word, false>)(grey + x, ink + x, counts + x, sums + x, reach, length, out + x, totals);
            continue;
        }
        std::int32_t surface = 0;
        for (i64 i = x; i < x + length; ++i) out[i] = grey[i], surface += grey[i];
        totals.surface += surface;
    }
}

// Adds the paper of the row that comes into the window to the sums of its columns, and takes that of the row that goes away.
template <class Column>
DOCBIN_NOINLINE void slide_columns(const u8 *__restrict comes, const u8 *__restrict comes_ink, const u8 *__restrict goes, const u8 *__restrict goes_ink, i64 width,
                                   Column *__restrict count, Column *__restrict sum) {
    for (i64 x = 0; x < width; ++x) {
        // In bytes as long as may be: four times as many fit a vector.
        const u8 in_mask = comes_ink[x] ? u8{0} : u8{255}, out_mask = goes_ink[x] ? u8{0} : u8{255};
        const u8 in = comes[x] & in_mask, out = goes[x] & out_mask, change = static_cast<u8>(out_mask - in_mask);  // 1, 0 or 255 for -1
        sum[x] = static_cast<Column>(sum[x] + in - out);
        count[x] = static_cast<Column>(count[x] + static_cast<std::int8_t>(change));
    }
}

// prefix[x]: the sum of columns `from` to x, for from <= x < to (and up to V::lanes - 1 more).
template <class V, class Column> DOCBIN_NOINLINE void prefix_of(const Column *columns, i64 from, i64 to, std::uint32_t *prefix) {
    auto carry = V::set(0);
    for (i64 x = from; x < to; x += V::lanes) {
        const auto sum = V::add(V::scan(V::load(columns + x)), carry);
        carry = V::last(sum);
        V::store(prefix + x, sum);
    }
}

// Column: 16 bits while a column of the window has at most 257 pixels (255 * 257 < 2^16), else 32. A row's windows are added up only about its ink.
template <class V, class Column>
PaperTotals background_narrow(const u8 *grey, const u8 *ink, i64 height, i64 width, i64 ry, i64 rx, u8 *out, std::uint32_t *scratch) {
    const i64 span = width + 16, length = rx + 1 + span + rx, reach = 2 * rx + 1;
    std::uint32_t *counts = scratch, *sums = counts + length;  // window about x: entry x + reach less entry x
    Column *count = reinterpret_cast<Column *>(sums + length), *sum = count + span;
    u8 *all_ink = reinterpret_cast<u8 *>(sum + span);
    for (i64 x = 0; x < 2 * length; ++x) scratch[x] = 0;
    for (i64 x = 0; x < 2 * span; ++x) count[x] = 0;
    for (i64 x = 0; x < width; ++x) all_ink[x] = 1;
    const auto slide = [&](i64 comes, i64 goes) {
        const bool in = comes < height, gone = goes >= 0;
        if (!in && !gone) return;
        slide_columns<Column>(grey + (in ? comes * width : 0), in ? ink + comes * width : all_ink, grey + (gone ? goes * width : 0),
                              gone ? ink + goes * width : all_ink, width, count, sum);
    };
    const bool small = least_of(2 * ry + 1, height) * least_of(reach, width) <= 65536;
    const auto surface = small ? surface_row<float, std::uint32_t> : surface_row<double, std::uint32_t>;
    PaperTotals totals;
    for (i64 y = 0; y < least_of(ry, height); ++y) slide(y, -1);
    for (i64 y = 0; y < height; ++y) {
        announce_row(grey, height, width, y + ry + 3), announce_row(ink, height, width, y + ry + 3);
        slide(y + ry, y - ry - 1);
        const u8 *marks = ink + y * width;
        i64 first = 0, last = (width - 1) / piece * piece;  // pieces with ink
        while (first <= last && !any_of(marks + first, least_of(piece, width - first))) first += piece;
        while (last > first && !any_of(marks + last, least_of(piece, width - last))) last -= piece;
        if (first <= last) {
            const i64 from = most_of(first - rx, i64{0}), to = least_of(last + piece + rx, width);
            for (std::uint32_t *prefix : {counts, sums}) {
                std::uint32_t *base = prefix + rx + 1;
                prefix_of<V>(prefix == counts ? count : sum, from, to, base);
                base[from - 1] = 0;
                if (to == width)
                    for (i64 x = width; x < width + rx; ++x) base[x] = base[width - 1];
            }
        }
        surface(grey + y * width, marks, counts, sums, reach, width, out + y * width, totals);
    }
    return totals;
}

void paper_columns(const u8 *grey, const u8 *ink, i64 width, std::uint64_t *__restrict count, std::uint64_t *__restrict sum, bool enter) {
    for (i64 x = 0; x < width; ++x) {
        const std::uint64_t mark = ink[x] ? 0 : ~std::uint64_t{0}, value = grey[x] & mark, one = mark & 1;
        count[x] = enter ? count[x] + one : count[x] - one;
        sum[x] = enter ? sum[x] + value : sum[x] - value;
    }
}

PaperTotals background_wide(const u8 *grey, const u8 *ink, i64 height, i64 width, i64 ry, i64 rx, u8 *out, std::uint64_t *scratch) {
    const i64 span = width + 2 * rx + 1;
    std::uint64_t *count = scratch, *sum = count + width, *counts = sum + width, *sums = counts + span;
    for (i64 x = 0; x < 2 * width; ++x) scratch[x] = 0;
    PaperTotals totals;
    for (i64 y = 0; y < least_of(ry, height); ++y) paper_columns(grey + y * width, ink + y * width, width, count, sum, true);
    for (i64 y = 0; y < height; ++y) {
        if (const i64 in = y + ry; in < height) paper_columns(grey + in * width, ink + in * width, width, count, sum, true);
        if (const i64 gone = y - ry - 1; gone >= 0) paper_columns(grey + gone * width, ink + gone * width, width, count, sum, false);
        prefix_row(count, counts, width, rx);
        prefix_row(sum, sums, width, rx);
        surface_row<double, std::uint64_t>(grey + y * width, ink + y * width, counts, sums, 2 * rx + 1, width, out + y * width, totals);
    }
    return totals;
}

template <class V>
void background(const u8 *grey, const u8 *ink, i64 height, i64 width, i64 ry, i64 rx, bool wide, u8 *out, i64 *totals, void *scratch) {
    PaperTotals found;
    if (wide)
        found = background_wide(grey, ink, height, width, ry, rx, out, static_cast<std::uint64_t *>(scratch));
    else
        found = (least_of(2 * ry + 1, height) <= 257 ? background_narrow<V, std::uint16_t> : background_narrow<V, std::uint32_t>)(
            grey, ink, height, width, ry, rx, out, static_cast<std::uint32_t *>(scratch));
    totals[0] = found.lift, totals[1] = found.inked, totals[2] = found.surface;
}

// A table of limits as a depth that grows with the surface's grey: limit(s) = s - depth(s), 0 where that is below 0, depth(s) = `least` and 1 for every step that
// s has reached. Comparing with the steps, 64 pixels at a time, is faster than looking up one pixel after another while there are few.
struct DepthSteps {
    static constexpr int most = 24;
    int count = 0;
    u8 least = 255, at[most] = {};
    bool known = false;

    explicit DepthSteps(const u8 *limits) {
        int depth = 255;  // where every limit is 0
        for (int s = 255; s >= 0; --s) {
            const int here = s - limits[s];
            if (here == depth || (limits[s] == 0 && depth >= s)) continue;
            if (here < 0 || here > depth) return;
            for (; s < 255 && depth > here; --depth) {
                if (count == most) return;
                at[count++] = static_cast<u8>(s + 1);
            }
            depth = here;
        }
        least = static_cast<u8>(depth);
        known = true;
    }
};

DOCBIN_NOINLINE void below_steps(const u8 *__restrict filtered, const u8 *__restrict surface, const u8 *__restrict ink, const DepthSteps &steps, u8 *out) {
    alignas(64) u8 depth[piece], below[piece];
    for (int x = 0; x < piece; ++x) depth[x] = steps.least;
    for (int step = 0; step < steps.count; ++step) {
        const u8 from = steps.at[step];
        for (int x = 0; x < piece; ++x) depth[x] = static_cast<u8>(depth[x] + (surface[x] >= from));
    }
    for (int x = 0; x < piece; ++x) {
        const u8 limit = static_cast<u8>(most_of(surface[x], depth[x]) - depth[x]);
        below[x] = (ink[x] != 0) & (filtered[x] < limit);
    }
    std::memcpy(out, below, piece);  // which may be the surface's own memory
}

DOCBIN_NOINLINE void below_tables(const u8 *filtered, const u8 *surface, const u8 *ink, i64 length, const u8 *paper_limits, const u8 *ink_limits, u8 *out) {
    for (i64 x = 0; x < length; ++x) out[x] = filtered[x] < (ink[x] ? ink_limits : paper_limits)[surface[x]];
}

// Mostly no paper is below its own limit, for the surface is the page itself there.
void below_surface(const u8 *filtered, const u8 *surface, const u8 *ink, i64 pixels, const u8 *paper_limits, const u8 *ink_limits, u8 *out) {
    bool paper_stays = true;
    for (int value = 0; value < 256; ++value) paper_stays &= value >= paper_limits[value];
    const DepthSteps steps(ink_limits);
    for (i64 x = 0; x < pixels; x += piece) {
        const i64 length = least_of(piece, pixels - x);
        if (paper_stays && !any_of(ink + x, length))
            std::memset(out + x, 0, static_cast<std::size_t>(length));
        else if (paper_stays && steps.known && length == piece)
            below_steps(filtered + x, surface + x, ink + x, steps, out + x);
        else
            below_tables(filtered + x, surface + x, ink + x, length, paper_limits, ink_limits, out + x);
    }
}

}  // namespace
}  // namespace docbin::document
