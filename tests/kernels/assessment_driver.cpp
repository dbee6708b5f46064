// Runs what docbin.assessment measures over odd planes, exactly as long as their pixels, and prints one hash of the results. It is compiled for the baseline
// CPU alone; what the results should be is test_pieces.py's, test_area_means.py's and test_zone_counts.py's to see.
#include <algorithm>

#include "assessment/area_means.hpp"
#include "assessment/pieces.hpp"
#include "assessment/zone_counts.hpp"
#include "drive.hpp"

using namespace docbin;
using namespace drive;

namespace {

Block<std::uint8_t> plane(std::int64_t size, std::uint64_t below) {
    Block<std::uint8_t> made(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < made.count; ++i) made.at[i] = static_cast<std::uint8_t>(random_word() >> 20 & 255) % below;
    return made;
}

void shrink(const Block<std::uint8_t> &grey, std::int64_t height, std::int64_t width) {
    for (const std::int64_t every : {1, 2})
        for (const std::int64_t divisor : {1, 2, 3, 5, 16}) {
            const std::int64_t rows = (height + every - 1) / every, columns = (width + every - 1) / every;
            const std::int64_t high = std::max<std::int64_t>(1, rows / divisor), wide = std::max<std::int64_t>(1, columns * 2 / (divisor + 2));
            if (wide > columns || (rows % high == 0 && columns % wide == 0)) continue;
            Block<std::uint8_t> out(static_cast<std::size_t>(high * wide));
            assessment::area_means(grey.at.get(), height, width, every, 1, high, wide, out.at.get());
            mix(out);
            ++cases;
        }
}

}  // namespace

int main() {
    for (const std::int64_t width : {1, 2, 7, 8, 9, 63, 65, 130})
        for (const std::int64_t height : {1, 2, 3, 17, 90}) {
            const auto grey = plane(width * height, 256), slope = plane(width * height, 256), zones = plane(width * height, 5);
            shrink(grey, height, width);
            Block<std::int64_t> first(assessment::zones_of_a_page * 256), second(assessment::zones_of_a_page * 256);
            assessment::zone_counts(zones.at.get(), grey.at.get(), slope.at.get(), width * height, first.at.get(), second.at.get());
            mix(first), mix(second);
            for (const std::uint64_t sparse : {2, 3, 9})
                for (const bool eight : {false, true}) {
                    auto bits = plane(width * height, sparse);
                    for (std::size_t i = 0; i < bits.count; ++i) bits.at[i] = bits.at[i] == 0;
                    const auto table = assessment::pieces(bits.at.get(), grey.at.get(), slope.at.get(), eight, height, width);
                    Block<assessment::Piece> block(table.size());
                    std::copy(table.begin(), table.end(), block.at.get());
                    mix(block);
                    ++cases;
                }
            for (const std::int64_t side : {3, 16}) {
                const std::int64_t wide = (width + side - 1) / side;
                Block<std::int16_t> cells(static_cast<std::size_t>((height + side - 1) / side * wide));
                for (std::size_t i = 0; i < cells.count; ++i) cells.at[i] = static_cast<std::int16_t>(random_word() >> 20);
                for (const std::int64_t least : {-32768, -3000, 0, 32767}) {
                    auto bits = plane(width * height, 2);
                    assessment::keep_by_cells(bits.at.get(), {cells.at.get(), side, wide}, least, height, width);
                    mix(bits);
                    ++cases;
                }
            }
            {
                Block<std::uint8_t> bits = plane(width * height, 2);
                Block<float> values(bits.count);
                for (std::size_t i = 0; i < bits.count; ++i) bits.at[i] = bits.at[i] == 0, values.at[i] = static_cast<float>(grey.at[i]);
                const auto table = assessment::peaks(bits.at.get(), values.at.get(), values.at.get(), values.at.get(), height, width);
                Block<assessment::Peaks> block(table.size());
                std::copy(table.begin(), table.end(), block.at.get());
                mix(block);
            }
            ++cases;
        }
    return finish();
}
