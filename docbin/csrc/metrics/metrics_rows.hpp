// The inner loops of the pseudo-F weights, row by row: what a row's pixels hear from those of another row that are one step nearer, and which pixels thinning
// deletes.
//
// Distances are chessboard distances, at most 255. All rows have a readable cell before and after them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace docbin::metrics {

struct Kernels {
    // distance = min(distance, 1 + the least of the three neighbours in the row `near`), 255 staying 255.
    void (*distance)(std::uint8_t *distance, const std::uint8_t *near, std::size_t width);
    // Pixels at a distance of 1 to `most` take the largest `value` of those of the three neighbours in the row `near` that are one step nearer.
    void (*largest)(const std::uint8_t *distance, const std::uint8_t *near, int most, const std::uint8_t *value, std::uint8_t *largest, std::size_t width);
    // The same for labels: 0 is none yet, all ones are several, and two that differ become several.
    void (*label16)(const std::uint8_t *distance, const std::uint8_t *near, int most, const std::uint16_t *heard, std::uint16_t *label, std::size_t width);
    void (*label32)(const std::uint8_t *distance, const std::uint8_t *near, int most, const std::uint32_t *heard, std::uint32_t *label, std::size_t width);
    // Which pixels of a row's first 64 words or fewer a sub-iteration (1 or 2) of Zhang-Suen thinning deletes. Looked at are the words of `active`, bit w for
    // word w, and some beside them; answered are those of `gone` that are not 0. One word is read before those and up to BitMask::beyond after them.
    std::uint64_t (*thin)(int iteration, const std::uint64_t *up, const std::uint64_t *here, const std::uint64_t *down, std::uint64_t active, int words,
                          std::uint64_t *gone);
};

}  // namespace docbin::metrics
