// A PNG's samples from its filtered bytes (PNG specification, third edition, 2025, section 9).
#pragma once
#include <cstdint>

namespace docbin::files {

// `filtered`: `rows` rows of a filter's number and `width` bytes; `step`: bytes of a pixel, 1 or 3; `above`: the row before the first, nullptr where there
// is none. Writes `rows` rows of `width` bytes to `out`; false where a number is no filter's, and the rows from there on are left as they were.
bool png_rows(const std::uint8_t *filtered, std::int64_t rows, std::int64_t width, int step, const std::uint8_t *above, std::uint8_t *out);

}  // namespace docbin::files
