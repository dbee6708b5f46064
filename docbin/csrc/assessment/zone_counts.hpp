// How often each value of two planes comes up in each zone of a page.
#pragma once
#include <cstdint>

namespace docbin::assessment {

constexpr int zones_of_a_page = 5;

// counts[zone * 256 + value], for `first` and `second`, of `size` pixels; zones are 0 to 4 (pixels of others, up to 7, are not counted).
void zone_counts(const std::uint8_t *zones, const std::uint8_t *first, const std::uint8_t *second, std::int64_t size, std::int64_t *first_counts,
                 std::int64_t *second_counts);

}  // namespace docbin::assessment
