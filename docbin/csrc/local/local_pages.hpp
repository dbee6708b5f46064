// Whole pages through a target's local thresholds: memory, and threads over bands of the page.
#pragma once
#include "local/local.hpp"

namespace docbin::local {

// A page with its window cut to the page's size; throws std::invalid_argument for an empty page or a window that is even or below 1.
Page page_of(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t window);

void threshold_page(const Kernels &kernels, const Page &page, Threshold threshold, const Out &out, int threads);
void moments_of_page(const Kernels &kernels, const Page &page, const Out &out, int threads);
Spread spread_of_page(const Kernels &kernels, const Page &page, int threads);
void extreme_of_page(const Kernels &kernels, const Page &page, bool largest, std::uint8_t *out, int threads);
void bernsen_page(const Kernels &kernels, const Page &page, std::uint8_t contrast, std::uint8_t flat, std::uint8_t *out, int threads);

}  // namespace docbin::local
