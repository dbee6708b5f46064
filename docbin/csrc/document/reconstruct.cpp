#include "document/reconstruct.hpp"

#include <cstring>
#include <vector>

namespace docbin::document {
namespace {

struct Run {
    std::int32_t begin, end;  // pixels begin .. end - 1 of a row
    std::uint32_t parent;     // another run of the same component, or the run itself
    bool seeded;              // at a root: whether a seed lies in the component
};

std::uint32_t root(std::vector<Run> &runs, std::uint32_t run) {
    while (runs[run].parent != run) run = runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

// First x >= from with row[x] != 0 (or == 0), eight pixels a step.
std::int64_t find_ink(const std::uint8_t *row, std::int64_t from, std::int64_t width) {
    for (; from + 8 <= width; from += 8) {
        std::uint64_t word;
        std::memcpy(&word, row + from, 8);
        if (word) break;
    }
    while (from < width && !row[from]) ++from;
    return from;
}

std::int64_t find_paper(const std::uint8_t *row, std::int64_t from, std::int64_t width) {
    while (from < width && row[from]) ++from;
    return from;
}

}  // namespace

void keep_seeded(std::uint8_t *ink, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width) {
    std::vector<Run> runs;
    runs.reserve(static_cast<std::size_t>(height * width / 8 + 64));  // untouched pages of it cost nothing; moving the runs as they grow does
    std::vector<std::uint32_t> first(static_cast<std::size_t>(height) + 1, 0);
    for (std::int64_t y = 0; y < height; ++y) {
        const std::uint8_t *row = ink + y * width, *seeds = contrast + y * width;
        std::uint32_t above = y > 0 ? first[y - 1] : 0;
        const std::uint32_t above_end = first[y] = static_cast<std::uint32_t>(runs.size());
        if (y == 0) above = above_end;
        for (std::int64_t begin = find_ink(row, 0, width); begin < width;) {
            const std::int64_t end = find_paper(row, begin, width);
            bool seeded = false;
            for (std::int64_t x = begin; x < end && !seeded; ++x) seeded = seeds[x] > level;
            const auto self = static_cast<std::uint32_t>(runs.size());
            runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end), self, seeded});
            // Runs of the row above that touch [begin - 1, end]; those that end before can touch no later run either.
            while (above < above_end && runs[above].end < begin) ++above;
            for (std::uint32_t other = above; other < above_end && runs[other].begin <= end; ++other) {
                const std::uint32_t a = root(runs, other), b = root(runs, self);
                if (a == b) continue;
                const std::uint32_t low = a < b ? a : b, high = a < b ? b : a;
                runs[high].parent = low;
                runs[low].seeded = runs[low].seeded || runs[high].seeded;
            }
            begin = find_ink(row, end, width);
        }
    }
    first[height] = static_cast<std::uint32_t>(runs.size());
    // A parent stands before its child, so one pass forwards brings every run to its root.
    for (std::int64_t y = 0; y < height; ++y)
        for (std::uint32_t run = first[y]; run < first[y + 1]; ++run) {
            Run &self = runs[run];
            self.parent = runs[self.parent].parent;
            if (!runs[self.parent].seeded)
                std::memset(ink + y * width + self.begin, 0, static_cast<std::size_t>(self.end - self.begin));
        }
}

// Counting is bound by the read-modify-write of one counter an addition. Counting pairs of neighbouring pixels (65,536 counters, which a page's
// narrow range of greys keeps in the first cache) halves the additions; small pages, where clearing the table would cost more, count singly.
void histogram(const std::uint8_t *grey, std::int64_t pixels, std::int64_t *counts) {
    for (int value = 0; value < 256; ++value) counts[value] = 0;
    std::int64_t done = 0;
    if (pixels >= 1 << 18) {
        constexpr std::int64_t piece = std::int64_t{1} << 32;  // a 32-bit counter of pairs cannot overflow within
        std::vector<std::uint32_t> even(65536), odd(65536);
        while (pixels - done >= 8) {
            std::int64_t until = pixels - done > piece ? done + piece : pixels;
            std::memset(even.data(), 0, even.size() * 4);
            std::memset(odd.data(), 0, odd.size() * 4);
            for (; done + 8 <= until; done += 8) {
                std::uint64_t word;
                std::memcpy(&word, grey + done, 8);
                ++even[word & 0xffff], ++odd[(word >> 16) & 0xffff], ++even[(word >> 32) & 0xffff], ++odd[word >> 48];
            }
            for (int high = 0; high < 256; ++high)
                for (int low = 0; low < 256; ++low) {
                    const std::int64_t pairs = static_cast<std::int64_t>(even[high * 256 + low]) + odd[high * 256 + low];
                    counts[high] += pairs, counts[low] += pairs;
                }
        }
    }
    for (; done < pixels; ++done) ++counts[grey[done]];
}

}  // namespace docbin::document
