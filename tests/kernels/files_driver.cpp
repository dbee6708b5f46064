// Decodes rows of PNGs of odd widths, in blocks exactly as long as their bytes, and prints one hash of the results; rows that are done by lanes must be those
// that are done one after the other. Compiled for the baseline CPU alone; what the results should be is test_png_rows.py's to see.
#include "files/png_rows.hpp"

#include "drive.hpp"

using namespace docbin;
using namespace drive;

int main() {
    for (const int step : {1, 3})
        for (const std::int64_t pixels : {1, 2, 7, 8, 9, 33})
            for (const std::int64_t rows : {1, 7, 8, 9, 30})
                for (const std::uint64_t filters : {1, 4, 5, 6}) {  // Paeth alone, two, all of them, and a number that is none
                    const std::int64_t width = step * pixels;
                    Block<std::uint8_t> filtered(static_cast<std::size_t>(rows * (width + 1))), whole(static_cast<std::size_t>(rows * width));
                    for (std::size_t i = 0; i < filtered.count; ++i) filtered.at[i] = static_cast<std::uint8_t>(random_word() >> 20);
                    for (std::int64_t y = 0; y < rows; ++y) {
                        const auto number = static_cast<std::uint8_t>(random_word() >> 20 & 0xffff) % filters;
                        filtered.at[y * (width + 1)] = static_cast<std::uint8_t>(filters < 5 ? 4 - number : number);
                    }
                    Block<std::uint8_t> single(whole.count);
                    const bool done = files::png_rows(filtered.at.get(), rows, width, step, nullptr, whole.at.get());
                    bool also = true;
                    for (std::int64_t y = 0; y < rows && also; ++y)
                        also = files::png_rows(filtered.at.get() + y * (width + 1), 1, width, step,
                                               y ? single.at.get() + (y - 1) * width : nullptr, single.at.get() + y * width);
                    failures += done != also || !whole.equals(single);
                    mix(whole);
                    ++cases;
                }
    return finish();
}
