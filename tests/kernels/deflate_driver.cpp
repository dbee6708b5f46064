// Deflates rows of odd sizes and kinds, blocks exactly as long as their bytes, and prints one hash of the streams. It is compiled for the baseline CPU alone;
// that zlib unpacks them is test_deflate.py's to see.
#include <algorithm>

#include "deflate/deflate_rows.hpp"
#include "drive.hpp"

using namespace docbin;
using namespace drive;

int main() {
    for (const std::int64_t stride : {1, 2, 7, 8, 9, 311, 4099, 32768})
        for (const std::int64_t rows : {1, 2, 3, 17, 120})
            for (const int kind : {0, 1, 2, 3, 4, 5}) {
                if (stride * rows > 300000) continue;
                Block<std::uint8_t> data(static_cast<std::size_t>(stride * rows));
                for (std::size_t i = 0; i < data.count; ++i) {
                    const std::uint64_t word = random_word();
                    data.at[i] = static_cast<std::uint8_t>(kind == 0 ? 255 : kind == 1 ? word : kind == 2 ? word & 3 : kind == 3 ? word % 90 ? 255 : word >> 8 : i % 7);
                    if (kind == 5) data.at[i] = static_cast<std::uint8_t>(1 << std::min<std::uint64_t>(word % 64, 7));
                }
                if (kind == 3)  // most of a row comes again below it
                    for (std::int64_t at = stride; at < stride * rows; ++at)
                        if (random_word() % 40) data.at[static_cast<std::size_t>(at)] = data.at[static_cast<std::size_t>(at - stride)];
                const auto stream = deflate::deflate_rows(data.at.get(), stride * rows, stride);
                Block<std::uint8_t> block(stream.size());
                std::copy(stream.begin(), stream.end(), block.at.get());
                mix(block);
                ++cases;
            }
    return finish();
}
