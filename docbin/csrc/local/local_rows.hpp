// The row engine of the local thresholds, one source for every level. V is the target's isa::Lanes (isa/scalar.hpp has the plainest);
// everything here is in an anonymous namespace, so that no target's code can stand in for another's at link time.
#pragma once
#include <cstring>

#include "isa/inlining.hpp"
#include "local/local.hpp"
#include "local/local_formula.hpp"

namespace docbin::local {
namespace {

using std::int32_t;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

constexpr uint8_t middle = 128;  // g' = g - 128

inline int least(int a, int b) { return a < b ? a : b; }
inline int most(int a, int b) { return a > b ? a : b; }

// Running sums along the row of the column sums of the rows that the window covers: sums[x] = sum over columns 0..x. Entries -(radius + 1)..-1 are
// 0 and entries from the row's end to its end + radius repeat the last one, so that a window's sum is sums[x + r] - sums[x - r - 1] everywhere.
// Sum: uint32_t ("narrow", wrapping modulo 2^32) or int64_t ("wide"). The float32 stage reads 32 bits only: of wide sums it reads `coarse`, the
// sums shifted right until a window's value fits 31 bits, again modulo 2^32. A difference of two shifted numbers is off by less than one unit of
// 2^shift, and a window at a corner still holds a quarter of the pixels of the largest, n_max, so mean and mean square are off by less than
// 4 * 2^shift / n_max: under 5e-7 and 7e-5, small beside the other errors of that stage.
template <class Sum>
struct Rows {
    static constexpr bool wide = sizeof(Sum) == 8;
    const Page &page;
    Sum *sums, *squares;
    uint32_t *coarse_sums, *coarse_squares;  // the same memory as sums and squares where these are narrow
    int sums_shift = 0, squares_shift = 0;
    bool huge = false;
    int32_t *columns;  // columns of the window about x that are in the image
    float *share;      // 1 / columns
    uint8_t *blank;    // a row of g' = 0, for rows outside the page

    Rows(const Page &p, void *scratch) : page(p) {
        const std::size_t length = row_length(p);
        sums = static_cast<Sum *>(scratch);
        squares = sums + length;
        uint32_t *behind = reinterpret_cast<uint32_t *>(squares + length);
        coarse_sums = wide ? behind : reinterpret_cast<uint32_t *>(sums);
        coarse_squares = coarse_sums + length;
        columns = reinterpret_cast<int32_t *>(wide ? behind + 2 * length : behind);
        share = reinterpret_cast<float *>(columns + p.width + slack);
        blank = reinterpret_cast<uint8_t *>(share + p.width + slack);
        std::memset(sums, 0, 2 * length * sizeof(Sum));
        std::memset(coarse_sums, 0, 2 * length * sizeof(uint32_t));
        sums += p.radius_x + 1;
        squares += p.radius_x + 1;
        coarse_sums += p.radius_x + 1;
        coarse_squares += p.radius_x + 1;
        if (wide) {
            const int64_t count = static_cast<int64_t>(least(2 * p.radius_x + 1, p.width)) * least(2 * p.radius_y + 1, p.height);
            huge = count > (int64_t{1} << 24);
            while ((128 * count >> sums_shift) >= 0x7fffffff) ++sums_shift;
            while ((16384 * count >> squares_shift) >= 0x7fffffff) ++squares_shift;
        }
        for (int x = 0; x < p.width + slack; ++x) {
            const int last = least(p.width - 1, x + p.radius_x), first = most(0, x - p.radius_x);
            columns[x] = most(1, last - first + 1);  // past the row's end: any positive number
            share[x] = static_cast<float>(1.0 / columns[x]);
        }
        std::memset(blank, middle, p.width + slack);
    }

    static std::size_t row_length(const Page &p) {
        const std::size_t entries = static_cast<std::size_t>(p.width) + 2 * p.radius_x + 1 + 2 * slack;
        return (entries + 15) / 16 * 16;
    }

    const uint8_t *row(int y) const {
        return y < 0 || y >= page.height ? nullptr : page.grey + static_cast<std::size_t>(y) * page.width;
    }
    int rows_in_window(int y) const { return least(page.height - 1, y + page.radius_y) - most(0, y - page.radius_y) + 1; }
};

// A block of pixels at the row's end, filled up with g' = 0: no load passes the page's memory.
template <class V>
DOCBIN_INLINE void tail_of(uint8_t *buffer, const uint8_t *row, int x, int width, uint8_t filler) {
    std::memset(buffer, filler, V::lanes);
    std::memcpy(buffer, row + x, static_cast<std::size_t>(width - x));
}

// Adds the row `comes` and takes `goes` away. g'new^2 - g'old^2 = (new - old)(new + old - 256): the products fit 18 bits. Without `with_squares` the sums
// of squares stay 0.
template <class V, bool with_squares>
void slide(Rows<uint32_t> &rows, const uint8_t *comes, const uint8_t *goes) {
    if (!comes && !goes) return;
    comes = comes ? comes : rows.blank;
    goes = goes ? goes : rows.blank;
    const int width = rows.page.width;
    uint32_t *__restrict sums = rows.sums, *__restrict squares = rows.squares;
    auto carry = V::set(0), carry_squares = V::set(0);
    const auto shift = V::set(-2 * middle);
    auto block = [&](int x, const uint8_t *a, const uint8_t *b) DOCBIN_LAMBDA {
        const auto in = V::widen(a), out = V::widen(b);
        const auto change = V::sub(in, out);
        const auto sum = V::add(V::scan(change), carry);
        carry = V::last(sum);
        V::store(sums + x, V::add(V::load(sums + x), sum));
        if constexpr (with_squares) {
            const auto square = V::add(V::scan(V::multiply(change, V::add(V::add(in, out), shift))), carry_squares);
            carry_squares = V::last(square);
            V::store(squares + x, V::add(V::load(squares + x), square));
        }
    };
    int x = 0;
    for (; x + V::lanes <= width; x += V::lanes) block(x, comes + x, goes + x);
    if (x < width) {
        uint8_t a[V::lanes], b[V::lanes];
        tail_of<V>(a, comes, x, width, middle);
        tail_of<V>(b, goes, x, width, middle);
        block(x, a, b);
    }
    const int reach = width + rows.page.radius_x + slack;
    const uint32_t s = sums[width - 1], q = squares[width - 1];
    for (int i = width; i < reach; ++i) sums[i] = s, squares[i] = q;
}

// The same in 64 bits, always with squares. A row's own running sums fit 32 bits while the page is at most 131071 pixels wide (131071 * 16384 < 2^31).
template <class V, bool>
void slide(Rows<int64_t> &rows, const uint8_t *comes, const uint8_t *goes) {
    if (!comes && !goes) return;
    comes = comes ? comes : rows.blank;
    goes = goes ? goes : rows.blank;
    const int width = rows.page.width;
    int64_t *sums = rows.sums, *squares = rows.squares;
    int x = 0;
    int64_t sum = 0, square = 0;
    if (width <= 131071) {
        auto carry = V::set(0), carry_squares = V::set(0);
        const auto shift = V::set(-2 * middle);
        for (; x + V::lanes <= width; x += V::lanes) {
            const auto in = V::widen(comes + x), out = V::widen(goes + x);
            const auto change = V::sub(in, out);
            const auto run = V::add(V::scan(change), carry);
            const auto run_squares = V::add(V::scan(V::multiply(change, V::add(V::add(in, out), shift))), carry_squares);
            carry = V::last(run);
            carry_squares = V::last(run_squares);
            V::accumulate(sums + x, run, rows.coarse_sums + x, rows.sums_shift);
            V::accumulate(squares + x, run_squares, rows.coarse_squares + x, rows.squares_shift);
        }
        uint32_t lane[V::lanes], lane_squares[V::lanes];
        V::store(lane, carry);
        V::store(lane_squares, carry_squares);
        sum = static_cast<int32_t>(lane[0]);
        square = static_cast<int32_t>(lane_squares[0]);
    }
    for (; x < width; ++x) {
        const int change = comes[x] - goes[x];
        sum += change;
        square += change * (comes[x] + goes[x] - 2 * middle);
        sums[x] += sum;
        squares[x] += square;
        rows.coarse_sums[x] = static_cast<uint32_t>(sums[x] >> rows.sums_shift);
        rows.coarse_squares[x] = static_cast<uint32_t>(squares[x] >> rows.squares_shift);
    }
    const int reach = width + rows.page.radius_x + slack, end = width - 1;
    for (int i = width; i < reach; ++i) {
        sums[i] = sums[end], squares[i] = squares[end];
        rows.coarse_sums[i] = rows.coarse_sums[end], rows.coarse_squares[i] = rows.coarse_squares[end];
    }
}

// Calls visit(y) for every row of the band with the sums of exactly its window's rows in place.
template <class V, bool with_squares = true, class Sum, class Visit>
DOCBIN_INLINE void walk(Rows<Sum> &rows, int y0, int y1, Visit visit) {
    const int r = rows.page.radius_y;
    for (int y = most(0, y0 - r); y < least(rows.page.height, y0 + r); ++y) slide<V, with_squares>(rows, rows.row(y), nullptr);
    for (int y = y0; y < y1; ++y) {
        if (const uint8_t *soon = rows.row(y + r + 3))
            for (int x = 0; x < rows.page.width; x += 64) DOCBIN_PREFETCH(soon + x);
        slide<V, with_squares>(rows, rows.row(y + r), y > y0 ? rows.row(y - r - 1) : nullptr);
        visit(y);
    }
}

// n Q' - S'^2 >= 0, exactly, rounded once to double. `huge`: some n may pass 2^24.
template <bool huge>
DOCBIN_INLINE double numerator(uint32_t sum, uint32_t square, double n) {
    const double s = static_cast<int32_t>(sum), q = static_cast<int32_t>(square);
    return n * q - s * s;  // both below 2^48, so float64 is exact
}
template <bool huge>
DOCBIN_INLINE double numerator(int64_t s, int64_t q, double n) {
    const int64_t count = static_cast<int64_t>(n);
    if constexpr (!huge) return static_cast<double>(count * q - s * s);  // n Q' <= 2^14 n^2 <= 2^62
    // 128 bits by 32-bit halves: n < 2^34, Q' < 2^48, |S'| < 2^41; the high parts stay small.
    const uint64_t magnitude = static_cast<uint64_t>(s < 0 ? -s : s), m = 0xffffffffu;
    const auto product = [&](uint64_t a, uint64_t b, uint64_t &high) {
        const uint64_t low = (a & m) * (b & m), cross = (a >> 32) * (b & m) + (low >> 32), other = (a & m) * (b >> 32) + (cross & m);
        high = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
        return (other << 32) | (low & m);
    };
    uint64_t high_a, high_b;
    const uint64_t low_a = product(static_cast<uint64_t>(count), static_cast<uint64_t>(q), high_a), low_b = product(magnitude, magnitude, high_b);
    uint64_t low = low_a - low_b, high = high_a - high_b - (low_a < low_b);
    // high < 2^18. The lowest bits are folded into one sticky bit far below the 53 that survive, so the conversion rounds as the exact value would.
    double scale = 1.0;
    while (high) {
        low = (low >> 1) | (high << 63) | (low & 1);
        high >>= 1;
        scale *= 2.0;
    }
    return static_cast<double>(low) * scale;
}

template <bool huge, class Sum>
DOCBIN_INLINE void moments_of(const Rows<Sum> &rows, int x, int in_rows, double &mean, double &variance, double &square) {
    const int r = rows.page.radius_x;
    const Sum s = rows.sums[x + r] - rows.sums[x - r - 1], q = rows.squares[x + r] - rows.squares[x - r - 1];
    const double n = static_cast<double>(rows.columns[x]) * static_cast<double>(in_rows);
    double signed_sum, signed_square;
    if constexpr (sizeof(Sum) == 4) {
        signed_sum = static_cast<int32_t>(s), signed_square = static_cast<int32_t>(q);
    } else {
        signed_sum = static_cast<double>(s), signed_square = static_cast<double>(q);
    }
    mean = (signed_sum + n * middle) / n;  // S and Q of the uncentred greys, integers below 2^53
    variance = numerator<huge>(s, q, n) / (n * n);
    square = (signed_square + 2.0 * middle * signed_sum + n * (middle * middle)) / n;
}

// The definition, for `count` pixels from x on.
template <Formula formula, bool huge, class Sum>
DOCBIN_NOINLINE void exact_pixels(const Rows<Sum> &rows, const Threshold &t, const Out &out, int y, int x, int count) {
    const int in_rows = rows.rows_in_window(y);
    const std::size_t at = static_cast<std::size_t>(y) * rows.page.width + x;
    const uint8_t *__restrict grey = rows.page.grey + at;
    const uint8_t *__restrict brightest = formula == Formula::wan ? t.brightest + at : grey;
    double thresholds[64];
    for (int begin = 0; begin < count; begin += 64) {
        const int some = least(64, count - begin);
        for (int i = 0; i < some; ++i) {
            Moments w{};
            double variance;
            moments_of<huge>(rows, x + begin + i, in_rows, w.mean, variance, w.square);
            if constexpr (needs_squares(formula)) w.deviation = std::sqrt(variance);
            w.grey = grey[begin + i];
            w.brightest = brightest[begin + i];
            thresholds[i] = exact<formula>(t, w);
        }
        if (out.ink) {
            uint8_t *__restrict ink = out.ink + at + begin;
            for (int i = 0; i < some; ++i) ink[i] = grey[begin + i] <= thresholds[i];
        }
        if (out.map) {
            float *__restrict map = out.map + at + begin;
            for (int i = 0; i < some; ++i) map[i] = round_down(thresholds[i]);
        }
    }
}

template <Formula formula, class Sum>
DOCBIN_INLINE void exact_block(const Rows<Sum> &rows, const Threshold &t, const Out &out, int y, int x, int count) {
    if (rows.huge)
        exact_pixels<formula, true>(rows, t, out, y, x, count);
    else
        exact_pixels<formula, false>(rows, t, out, y, x, count);
}

// Mean and variance (or mean square) in float32, within the bounds proven in local_formula.hpp.
template <class V>
struct Approximate {
    using F = typename V::F;
    const uint32_t *sums_right, *sums_left, *squares_right, *squares_left;
    const float *share;
    F rows_share, unit_squares;

    template <class Sum>
    Approximate(const Rows<Sum> &rows, int y)
        : sums_right(rows.coarse_sums + rows.page.radius_x), sums_left(rows.coarse_sums - rows.page.radius_x - 1),
          squares_right(rows.coarse_squares + rows.page.radius_x), squares_left(rows.coarse_squares - rows.page.radius_x - 1), share(rows.share),
          rows_share(V::fill(static_cast<float>(power(rows.sums_shift) / rows.rows_in_window(y)))),
          unit_squares(V::fill(static_cast<float>(power(rows.squares_shift) / power(rows.sums_shift)))) {}

    static double power(int shift) { return static_cast<double>(int64_t{1} << shift); }

    template <bool with_squares = true>
    DOCBIN_INLINE void at(int x, F &mean, F &variance) const {
        const F one = V::load_float(share + x) * rows_share;  // 2^sums_shift / n
        const F off = V::to_float(V::sub(V::load(sums_right + x), V::load(sums_left + x))) * one;
        mean = off + V::fill(static_cast<float>(middle));
        if constexpr (!with_squares) return;
        const F square = V::to_float(V::sub(V::load(squares_right + x), V::load(squares_left + x))) * (one * unit_squares);  // a power of two
        variance = V::greater(square - off * off, V::fill(0.0f));
    }
};

template <class V, Formula formula, class Sum>
DOCBIN_INLINE void threshold_row(const Rows<Sum> &rows, const Threshold &t, const Line &line, const Out &out, int y) {
    using F = typename V::F;
    const int width = rows.page.width;
    const std::size_t at = static_cast<std::size_t>(y) * width;
    const Approximate<V> approximate(rows, y);
    const F a0 = V::fill(line.a0), a1 = V::fill(line.a1), b0 = V::fill(line.b0), b1 = V::fill(line.b1), bound = V::fill(line.bound);
    const uint8_t *grey = rows.page.grey + at, *brightest = t.brightest ? t.brightest + at : grey;
    uint8_t *ink = out.ink + at;
    auto block = [&](int x, const uint8_t *pixels, const uint8_t *bright, uint8_t *to) DOCBIN_LAMBDA {
        F mean, variance, threshold, above;
        approximate.template at<needs_squares(formula)>(x, mean, variance);
        const F value = V::to_float(V::widen(pixels));
        if constexpr (formula == Formula::singh) {
            const F off = V::lesser(V::absolute(value - mean), V::fill(254.0f));
            above = (V::fill(255.0f) - off) * (value - a1 * mean) - b1 * mean * off;
        } else {
            if constexpr (formula == Formula::niblack) threshold = mean + b0 * V::root(variance);
            if constexpr (formula == Formula::sauvola) threshold = mean * (a1 + b1 * V::root(variance));
            if constexpr (formula == Formula::wolf) threshold = a0 + a1 * mean + (b0 + b1 * mean) * V::root(variance);
            if constexpr (formula == Formula::nick) threshold = mean + b0 * V::root(variance + mean * mean);
            if constexpr (formula == Formula::bradley) threshold = a1 * mean;
            if constexpr (formula == Formula::wan)
                threshold = (V::to_float(V::widen(bright)) + mean) * V::fill(0.5f) * (a1 + b1 * V::root(variance));
            above = value - threshold;
        }
        V::store_ink(to, above, V::fill(0.0f));
        return V::all_greater(V::absolute(above), bound);
    };
    int x = 0;
    for (; x + V::lanes <= width; x += V::lanes)
        if (!block(x, grey + x, brightest + x, ink + x)) exact_block<formula>(rows, t, out, y, x, V::lanes);
    if (x < width) {
        uint8_t pixels[V::lanes], bright[V::lanes], to[V::lanes];
        tail_of<V>(pixels, grey, x, width, middle);
        tail_of<V>(bright, brightest, x, width, middle);
        if (block(x, pixels, bright, to))
            std::memcpy(ink + x, to, static_cast<std::size_t>(width - x));
        else
            exact_block<formula>(rows, t, out, y, x, width - x);
    }
}

template <class V, Formula formula, class Sum>
void threshold_formula(const Page &page, const Threshold &t, const Out &out, int y0, int y1, void *scratch) {
    Rows<Sum> rows(page, scratch);
    const Line fast = line<formula>(t);
    if (has_fast(formula) && !out.map)
        walk<V, needs_squares(formula)>(rows, y0, y1, [&](int y) { threshold_row<V, formula>(rows, t, fast, out, y); });
    else
        walk<V, needs_squares(formula)>(rows, y0, y1, [&](int y) { exact_block<formula>(rows, t, out, y, 0, page.width); });
}

template <class V, Formula formula>
void threshold_sums(const Page &page, const Threshold &t, const Out &out, int y0, int y1, void *scratch) {
    if (page.wide)
        threshold_formula<V, formula, int64_t>(page, t, out, y0, y1, scratch);
    else
        threshold_formula<V, formula, uint32_t>(page, t, out, y0, y1, scratch);
}

template <class V>
void threshold_band(const Page &page, const Threshold &t, const Out &out, int y0, int y1, void *scratch) {
    switch (t.formula) {
        case Formula::niblack: return threshold_sums<V, Formula::niblack>(page, t, out, y0, y1, scratch);
        case Formula::sauvola: return threshold_sums<V, Formula::sauvola>(page, t, out, y0, y1, scratch);
        case Formula::wolf: return threshold_sums<V, Formula::wolf>(page, t, out, y0, y1, scratch);
        case Formula::nick: return threshold_sums<V, Formula::nick>(page, t, out, y0, y1, scratch);
        case Formula::singh: return threshold_sums<V, Formula::singh>(page, t, out, y0, y1, scratch);
        case Formula::phansalkar: return threshold_sums<V, Formula::phansalkar>(page, t, out, y0, y1, scratch);
        case Formula::bradley: return threshold_sums<V, Formula::bradley>(page, t, out, y0, y1, scratch);
        case Formula::wan: return threshold_sums<V, Formula::wan>(page, t, out, y0, y1, scratch);
    }
}

template <bool huge, class Sum>
DOCBIN_NOINLINE void moments_row(const Rows<Sum> &rows, const Out &out, int y) {
    const int in_rows = rows.rows_in_window(y), width = rows.page.width;
    double *__restrict mean_row = out.mean + static_cast<std::size_t>(y) * width;
    double *__restrict deviation_row = out.deviation + static_cast<std::size_t>(y) * width;
    for (int x = 0; x < width; ++x) {
        double mean, variance, square;
        moments_of<huge>(rows, x, in_rows, mean, variance, square);
        mean_row[x] = mean;
        deviation_row[x] = std::sqrt(variance);
    }
}

template <class V, class Sum>
void moments_rows(const Page &page, const Out &out, int y0, int y1, void *scratch) {
    Rows<Sum> rows(page, scratch);
    walk<V>(rows, y0, y1, [&](int y) { rows.huge ? moments_row<true>(rows, out, y) : moments_row<false>(rows, out, y); });
}

template <class V>
void moments_band(const Page &page, const Out &out, int y0, int y1, void *scratch) {
    page.wide ? moments_rows<V, int64_t>(page, out, y0, y1, scratch) : moments_rows<V, uint32_t>(page, out, y0, y1, scratch);
}

template <class Sum>
DOCBIN_NOINLINE void raise_variance(const Rows<Sum> &rows, Spread &spread, int y, int x, int count) {
    const int in_rows = rows.rows_in_window(y);
    double largest = spread.variance;
    for (int i = 0; i < count; ++i) {
        double mean, variance, square;
        moments_of<true>(rows, x + i, in_rows, mean, variance, square);  // rare: not worth a second copy
        largest = variance > largest ? variance : largest;
    }
    spread.variance = largest;
}

// The largest variance, exactly: a block is computed in float64 only where its float32 variance comes within the error of the largest so far.
template <class V, class Sum>
DOCBIN_INLINE void spread_row(const Rows<Sum> &rows, Spread &spread, int y) {
    using F = typename V::F;
    const int width = rows.page.width;
    const Approximate<V> approximate(rows, y);
    F limit = V::fill(static_cast<float>(spread.variance) * 0.999999f - off_variance);
    for (int x = 0; x < width; x += V::lanes) {
        F mean, variance;
        approximate.at(x, mean, variance);
        if (V::all_greater(limit, variance)) continue;
        raise_variance(rows, spread, y, x, least(V::lanes, width - x));
        limit = V::fill(static_cast<float>(spread.variance) * 0.999999f - off_variance);
    }
}

template <class V, class Sum>
void spread_rows(const Page &page, Spread &spread, int y0, int y1, void *scratch) {
    Rows<Sum> rows(page, scratch);
    walk<V>(rows, y0, y1, [&](int y) {
        const uint8_t *grey = page.grey + static_cast<std::size_t>(y) * page.width;
        uint8_t darkest = spread.darkest;
        for (int x = 0; x < page.width; ++x) darkest = grey[x] < darkest ? grey[x] : darkest;
        spread.darkest = darkest;
        spread_row<V>(rows, spread, y);
    });
}

template <class V>
void spread_band(const Page &page, Spread &spread, int y0, int y1, void *scratch) {
    page.wide ? spread_rows<V, int64_t>(page, spread, y0, y1, scratch) : spread_rows<V, uint32_t>(page, spread, y0, y1, scratch);
}

}  // namespace
}  // namespace docbin::local
