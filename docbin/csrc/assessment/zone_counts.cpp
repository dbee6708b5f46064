#include "assessment/zone_counts.hpp"

#include <algorithm>
#include <vector>

namespace docbin::assessment {

void zone_counts(const std::uint8_t *zones, const std::uint8_t *first, const std::uint8_t *second, std::int64_t size, std::int64_t *first_counts,
                 std::int64_t *second_counts) {
    // Neighbours are counted in tables of their own: on even paper all of them would wait for one number.
    constexpr int tables = 4, bins = zones_of_a_page * 256, room = 8 * 256;
    constexpr std::int64_t at_once = std::int64_t{1} << 31;  // a number of 32 bits counts no further
    std::fill(first_counts, first_counts + bins, 0);
    std::fill(second_counts, second_counts + bins, 0);
    std::vector<std::uint32_t> counts(2 * tables * room);
    for (std::int64_t begin = 0; begin < size; begin += at_once) {
        const std::int64_t end = std::min(size, begin + at_once);
        std::fill(counts.begin(), counts.end(), 0);
        const auto count = [&](std::int64_t at, int table) {
            const int zone = (zones[at] & 7) * 256;
            ++counts[static_cast<std::size_t>(table * room + zone + first[at])];
            ++counts[static_cast<std::size_t>((tables + table) * room + zone + second[at])];
        };
        std::int64_t at = begin;
        for (; at + tables <= end; at += tables)
            for (int table = 0; table < tables; ++table) count(at + table, table);
        for (; at < end; ++at) count(at, 0);
        for (int table = 0; table < tables; ++table)
            for (int bin = 0; bin < bins; ++bin) {
                first_counts[bin] += counts[static_cast<std::size_t>(table * room + bin)];
                second_counts[bin] += counts[static_cast<std::size_t>((tables + table) * room + bin)];
            }
    }
}

}  // namespace docbin::assessment
