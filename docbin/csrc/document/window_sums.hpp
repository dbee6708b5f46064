// Words and window sums of the document methods.
#pragma once
#include "document/document.hpp"
#include "isa/inlining.hpp"

namespace docbin::document {
namespace {

using u8 = std::uint8_t;
using i64 = std::int64_t;

template <class T> inline T least_of(T a, T b) { return a < b ? a : b; }
template <class T> inline T most_of(T a, T b) { return a > b ? a : b; }

// Sums over windows of marked pixels: `columns` hold the sums of each column over the window's rows; prefix sums along the row, padded by rx
// zeros left and rx totals right, turn every window into one difference. Unsigned arithmetic wraps, differences of true sums below 2^32 do not.
template <class Word> void prefix_row(const Word *columns, Word *prefix, i64 width, i64 rx) {
    for (i64 x = 0; x <= rx; ++x) prefix[x] = 0;
    Word total = 0;
    Word *target = prefix + rx + 1;
    for (i64 x = 0; x < width; ++x) target[x] = total = static_cast<Word>(total + columns[x]);
    for (i64 x = 0; x < rx; ++x) target[width + x] = total;
}

}  // namespace
}  // namespace docbin::document
