// Components of ink that hold a seed: morphological reconstruction by words of bits.
#pragma once
#include <cstdint>

namespace docbin::document {

// `ink` (0 or 1 a pixel) without the 8-connected components that hold no pixel of contrast above `level`.
//
// The seeds grow row by row, 64 pixels at a time, in sweeps down and up the page; a row is looked at again only when a neighbour of it has grown. That settles
// pages of writing in a few sweeps. What winds about so much that it is not settled when `looks` times the page's rows were looked at is finished by joining
// runs of pixels (union-find), whose cost does not depend on shapes.
void keep_seeded(std::uint8_t *ink, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width, int looks = 16);

// Counts of the 256 grey values.
void histogram(const std::uint8_t *grey, std::int64_t pixels, std::int64_t *counts);

}  // namespace docbin::document
