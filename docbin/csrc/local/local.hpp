// Local (windowed) thresholds: what a target is given, and what it gives back.
//
// One mechanism serves every window and every formula. A page is walked once, row by row. Two arrays as long as a row hold, for the rows that
// the window now covers, the running sum along the row of the column sums of g' = g - 128 and of g'^2; a new row adds itself and takes the row
// that left the window away. The sum over a window is then the difference of two entries of such an array, whatever the window's size, and no
// integral image is ever held. All sums are integers, so every level has the same S, Q and n for every pixel, and a formula stage that is
// elementwise over the row turns them into a threshold.
//
// g' = g - 128 has the same variance as g and makes the sums small:
//   |S'| <= 128 n and Q' <= 16384 n. The row arrays may wrap (they are differences modulo 2^32); only the window's own value must fit:
//   n <= 131071 pixels (a window up to 361 x 361 inside the page)   Q' <= 2147467264 < 2^31, "narrow", 32-bit sums;
//   more                                                            "wide", 64-bit sums: a page of 4e8 pixels has Q' <= 6.6e12 < 2^63.
//
// The definition of every method is its float64 formula on mean = S / n and variance = (n Q - S^2) / n^2, the numerator an exact integer
// (128 bits where n > 2^24), each operation rounded once as IEEE 754 says: `exact` in local_formula.hpp, and its NumPy twin in
// docbin/kernels/reference_local.py. The mask is g <= T. A mask may be decided in float32 where a proven error bound says that float64 could not
// decide otherwise; pixels nearer to the threshold than the bound are computed again in float64. The map is T rounded *down* to float32: as g is
// an integer, g <= map holds exactly where g <= T holds.
#pragma once
#include <cstddef>
#include <cstdint>

namespace docbin::local {

enum class Formula : int { niblack, sauvola, wolf, nick, singh, phansalkar, bradley, wan };

// Borders: a window is cut at the page's edge. `radius_x` and `radius_y` are the window's half side cut to the page's width and height, which
// changes no window and bounds every buffer.
struct Page {
    const std::uint8_t *grey = nullptr;
    int width = 0, height = 0;
    int radius_x = 0, radius_y = 0;
    bool wide = false;  // 64-bit sums
    int strip = 0;      // columns whose extremes are sought at a time
};

struct Threshold {
    Formula formula = Formula::sauvola;
    double k = 0, range = 0;                // range: the standard deviation that counts as full contrast (R)
    double darkest = 0, spread = 0;         // Wolf: least grey of the page, largest standard deviation of any window
    double p = 0, q = 0;                    // Phansalkar
    const std::uint8_t *brightest = nullptr;  // WAN: largest grey in every pixel's window
};

// Where a band's results go; any may be null.
struct Out {
    std::uint8_t *ink = nullptr;
    float *map = nullptr;
    double *mean = nullptr, *deviation = nullptr;
};

struct Spread {
    double variance = 0;     // largest variance of any window
    std::uint8_t darkest = 255;
};

// What a target offers. Rows y0 <= y < y1 are done; `scratch` is `scratch_bytes(page)` bytes, aligned to 64, and belongs to the call. 
// Memory is the caller's business.
struct Kernels {
    void (*threshold)(const Page &, const Threshold &, const Out &, int y0, int y1, void *scratch);
    void (*moments)(const Page &, const Out &, int y0, int y1, void *scratch);
    void (*spread)(const Page &, Spread &, int y0, int y1, void *scratch);
    // Least (or, if `largest`, largest) grey in every pixel's window; scratch is of `extreme_scratch_bytes(page)` bytes here and in `bernsen`.
    void (*extreme)(const Page &, bool largest, std::uint8_t *out, int y0, int y1, void *scratch);
    // Bernsen's decision, 1 = ink: grey <= the middle of the window's darkest and brightest where they differ by more than `contrast`, else <= `flat`.
    void (*bernsen)(const Page &, std::uint8_t contrast, std::uint8_t flat, std::uint8_t *out, int y0, int y1, void *scratch);
};

constexpr int slack = 64;  // entries that vector loads and stores may reach past a row
std::size_t scratch_bytes(const Page &page);
std::size_t extreme_scratch_bytes(const Page &page);

namespace {

// Memory for one extreme of a strip: the bytes of its four lines (three for work, a block's head), of a tail, and of all.
constexpr std::size_t extreme_pitch(const Page &page) { return (static_cast<std::size_t>(page.strip) + 2 * page.radius_x + 2 * slack - 1) / slack * slack; }
constexpr std::size_t extreme_tail(const Page &page) {
    const std::size_t seen = static_cast<std::size_t>(page.strip) + 2 * page.radius_x, width = page.width;
    return ((seen < width ? seen : width) + slack - 1) / slack * slack;
}
constexpr std::size_t extreme_bytes(const Page &page) {
    const std::size_t window = 2 * static_cast<std::size_t>(page.radius_y) + 1, height = page.height;
    return 4 * extreme_pitch(page) + (window < height ? window : height) * extreme_tail(page);
}

}  // namespace

}  // namespace docbin::local
