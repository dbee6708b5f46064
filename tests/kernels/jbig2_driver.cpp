// Runs the JBIG2 encoder over odd bitmaps, rows exactly as long as their pixels, and prints one hash of its code. It is compiled for the baseline CPU alone.
#include <algorithm>
#include <cstring>

#include "drive.hpp"
#include "jbig2/generic_region.hpp"

using namespace docbin;
using namespace drive;

int main() {
    for (const std::int64_t width : {1, 7, 8, 9, 63, 64, 65, 127, 128, 200})
        for (const std::int64_t height : {1, 2, 3, 17, 90})
            for (const int kind : {0, 1, 2, 3, 4}) {
                const std::int64_t pitch = (width + 7) / 8;
                Block<std::uint8_t> rows(static_cast<std::size_t>(pitch * height));
                for (std::size_t i = 0; i < rows.count; ++i) {
                    const std::uint64_t word = random_word();
                    rows.at[i] = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 255 : kind == 2 ? word : kind == 3 ? word & word >> 8 & word >> 16 : word % 50 ? 0 : 24);
                }
                if (kind == 3)  // repeated rows
                    for (std::int64_t y = 1; y < height; y += 2) std::memcpy(&rows.at[y * pitch], &rows.at[(y - 1) * pitch], static_cast<std::size_t>(pitch));
                for (const bool typical : {false, true}) {
                    const auto code = jbig2::generic_region(rows.at.get(), pitch, width, height, typical);
                    Block<std::uint8_t> block(code.size());
                    std::copy(code.begin(), code.end(), block.at.get());
                    mix(block);
                    ++cases;
                }
            }
    return finish();
}
