#include "document/reconstruct.hpp"

#include <algorithm>
#include <bit>
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

// Bit x of the row's words: byte x is above `level`, 0..255. A multiplication gathers the bits of eight bytes.
void bits_above(const std::uint8_t *row, std::uint8_t level, std::int64_t width, std::uint64_t *words) {
    for (std::int64_t word = 0; 64 * word < width; ++word) {
        const std::uint8_t *from = row + 64 * word;
        std::uint8_t some[64] = {}, above[64];
        if (width - 64 * word < 64) {  // beyond the row nothing is above
            std::memcpy(some, from, static_cast<std::size_t>(width - 64 * word));
            from = some;
        }
        for (int x = 0; x < 64; ++x) above[x] = from[x] > level;
        std::uint64_t found = 0;
        for (int part = 0; part < 8; ++part) {
            std::uint64_t bytes = 0;
            for (int x = 0; x < 8; ++x) bytes |= static_cast<std::uint64_t>(above[8 * part + x]) << (8 * x);  // one load, whatever the byte order
            found |= (bytes * 0x0102040810204080ULL >> 56) << (8 * part);
        }
        words[word] = found;
    }
}

// Whether any of the bits begin .. end - 1 is set.
bool any(const std::uint64_t *words, std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin / 64, last = (end - 1) / 64;
    const std::uint64_t from = ~0ULL << (begin % 64), to = ~0ULL >> (63 - (end - 1) % 64);
    if (first == last) return words[first] & from & to;
    if (words[first] & from) return true;
    for (std::int64_t word = first + 1; word < last; ++word)
        if (words[word]) return true;
    return words[last] & to;
}

// Calls each(begin, end) for every run of set bits among the first `width`, from left to right. Bits from `width` on are not set.
template <class Each> void each_run(const std::uint64_t *words, std::int64_t width, Each each) {
    std::int64_t begin = -1;
    std::uint64_t before = 0;  // the last bit of the word to the left
    for (std::int64_t word = 0; 64 * word < width; ++word) {
        // Set where a bit differs from its left neighbour: begins and ends of runs in turns.
        std::uint64_t turns = words[word] ^ (words[word] << 1 | before);
        before = words[word] >> 63;
        for (; turns; turns &= turns - 1) {
            const std::int64_t x = 64 * word + std::countr_zero(turns);
            if (begin < 0) {
                begin = x;
            } else {
                each(begin, x);
                begin = -1;
            }
        }
    }
    if (begin >= 0) each(begin, width);
}

}  // namespace

void keep_seeded(std::uint8_t *ink, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width) {
    std::vector<Run> runs;
    runs.reserve(static_cast<std::size_t>(height * width / 8 + 64));  // untouched pages of it cost nothing; moving the runs as they grow does
    std::vector<std::uint32_t> first(static_cast<std::size_t>(height) + 1, 0);
    std::vector<std::uint64_t> row(static_cast<std::size_t>(width + 63) / 64), seeds(row.size());
    for (std::int64_t y = 0; y < height; ++y) {
        bits_above(ink + y * width, 0, width, row.data());
        if (level < 0)
            std::fill(seeds.begin(), seeds.end(), ~0ULL);
        else
            bits_above(contrast + y * width, static_cast<std::uint8_t>(std::min(level, 255)), width, seeds.data());
        std::uint32_t above = y > 0 ? first[y - 1] : 0;
        const std::uint32_t above_end = first[y] = static_cast<std::uint32_t>(runs.size());
        if (y == 0) above = above_end;
        each_run(row.data(), width, [&](std::int64_t begin, std::int64_t end) {
            const auto self = static_cast<std::uint32_t>(runs.size());
            std::uint32_t mine = self;
            bool seeded = any(seeds.data(), begin, end);
            // Runs of the row above that touch [begin - 1, end]; those that end before can touch no later run either.
            while (above < above_end && runs[above].end < begin) ++above;
            for (std::uint32_t other = above; other < above_end && runs[other].begin <= end; ++other) {
                const std::uint32_t its = root(runs, other);
                if (its == mine) continue;
                seeded |= runs[its].seeded;
                if (mine != self) runs[its < mine ? mine : its].parent = its < mine ? its : mine;
                mine = its < mine ? its : mine;
            }
            runs.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end), mine, seeded});
            runs[mine].seeded = seeded || runs[mine].seeded;
        });
    }
    first[height] = static_cast<std::uint32_t>(runs.size());
    // A parent stands before its child, so one pass forwards brings every run to its root.
    for (std::int64_t y = 0; y < height; ++y)
        for (std::uint32_t run = first[y]; run < first[y + 1]; ++run) {
            Run &self = runs[run];
            self.parent = runs[self.parent].parent;
            if (!runs[self.parent].seeded) {
                std::uint8_t *const row = ink + y * width;
                for (std::int32_t x = self.begin; x < self.end; ++x) row[x] = 0;
            }
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
