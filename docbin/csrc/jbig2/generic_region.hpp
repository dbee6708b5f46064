// Lossless JBIG2: the generic region (ITU-T T.88 | ISO/IEC 14492, 6.2) under arithmetic coding, template 0 with its nominal adaptive pixels and
// typical prediction of repeated rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace docbin::jbig2 {

// Rows of packed bits, most significant bit first, 1 = black. Bits behind `width` are not looked at. `typical`: a row that equals the one above is one
// decision (TPGDON = 1), which costs the other rows a decision each.
std::vector<std::uint8_t> generic_region(const std::uint8_t *rows, std::ptrdiff_t pitch, std::int64_t width, std::int64_t height, bool typical);

}  // namespace docbin::jbig2
