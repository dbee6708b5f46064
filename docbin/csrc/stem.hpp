// The 1-bit networks' first layer: threshold codes of a page's cells.
//
// A cell is 2 x 2 pixels. For each window (odd, in cells) the mean m and deviation s of the pixels of the in-page cells around give thresholds
// T = m + theta (s + floor); every pixel of the cell is compared with each, x >= T, and with a few fixed grey levels. That is SauvolaNet's idea of many
// windows as bits: no multiplication of features, one comparison a channel, and the pixel-unshuffled layout falls out of it.
//
// Exactness: the box sums are integers (a cell's sum is at most 1020, its sum of squares 260100; sums run modulo 2^32, the window's own sum is below 2^31
// for windows up to 89 cells). From there on everything is IEEE single precision in a fixed order without contraction, so every level, NumPy and PyTorch
// give the same bits: m = S / n; v = Q / n - m * m; s = sqrt(max(v, 0)); T = m + theta * (s + floor).
#pragma once
#include <cstdint>

#include "levels.hpp"

namespace docbin::stem {

inline constexpr int widest_window = 89;

struct Job {
    const std::uint8_t *page;  // grey, (2 * cells_high, 2 * cells_wide)
    int cells_high, cells_wide;
    int top, left, height, width;  // the cells wanted
    const std::int32_t *windows;
    int window_count;
    const float *theta;  // [window_count][thetas]
    int thetas;
    const float *grey;  // [greys]
    int greys;
    float floor;
    std::uint64_t *out;  // (4 * (window_count * thetas + greys) / 64, height, width) words; channel 4 t + 2 dy + dx
};

using Run = void (*)(const Job &);

void run_scalar(const Job &);
#if defined(DOCBIN_X86)
void run_avx2(const Job &);
void run_avx512(const Job &);
#endif
#if defined(DOCBIN_NEON)
void run_neon(const Job &);
#endif

inline Run runner(Level level) {
    switch (level) {
#if defined(DOCBIN_X86)
        case Level::avx2: return run_avx2;
        case Level::avx512: return run_avx512;
#endif
#if defined(DOCBIN_NEON)
        case Level::neon: return run_neon;
#endif
        default: return run_scalar;
    }
}

}  // namespace docbin::stem
