// Whole pages through a unit of the local thresholds: memory, and threads over bands of the page.
#pragma once
#include "local.hpp"

namespace docbin {

// A page with its window cut to the page's size; throws std::invalid_argument for an empty page or a window that is even or below 1.
LocalPage local_page(const std::uint8_t *grey, std::int64_t height, std::int64_t width, std::int64_t window);

void local_threshold(const LocalUnit &unit, const LocalPage &page, LocalThreshold threshold, const LocalOut &out, int threads);
void local_moments(const LocalUnit &unit, const LocalPage &page, const LocalOut &out, int threads);
LocalSpread local_spread(const LocalUnit &unit, const LocalPage &page, int threads);
void local_extreme(const LocalUnit &unit, const LocalPage &page, bool largest, std::uint8_t *out, int threads);

}  // namespace docbin
