#include "document/reconstruct.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace docbin::document {
namespace {

// A page of bits, pixel x of a row at bit x % 64 of word x / 64; an empty word on either side of a row, an empty row above and below.
struct Bits {
    std::int64_t words, stride;
    std::vector<std::uint64_t> memory;

    Bits(std::int64_t height, std::int64_t width)
        : words((width + 63) / 64), stride(words + 2), memory(static_cast<std::size_t>((height + 2) * stride)) {}
    std::uint64_t *row(std::int64_t y) { return memory.data() + (y + 1) * stride + 1; }
    const std::uint64_t *row(std::int64_t y) const { return memory.data() + (y + 1) * stride + 1; }
};

struct Run {
    std::int32_t begin, end;  // pixels begin .. end - 1 of a row
    std::uint32_t parent;     // another run of the same component, or the run itself
    bool seeded;              // at a root: whether a seed lies in the component
};

std::uint32_t root(std::vector<Run> &runs, std::uint32_t run) {
    while (runs[run].parent != run) run = runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

// Bit i: byte i of 64 is above `level`.
std::uint64_t word_above(const std::uint8_t *bytes, std::uint8_t level) {
    std::uint64_t found = 0;
#if defined(__SSE2__)
    const __m128i all = _mm_set1_epi8(static_cast<char>(level)), zero = _mm_setzero_si128();
    for (int part = 0; part < 4; ++part) {
        const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + 16 * part));
        const int not_above = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_subs_epu8(some, all), zero));
        found |= static_cast<std::uint64_t>(~not_above & 0xffff) << (16 * part);
    }
#else
    std::uint8_t above[64];
    for (int x = 0; x < 64; ++x) above[x] = bytes[x] > level;
    for (int part = 0; part < 8; ++part) {  // a multiplication gathers the bits of eight bytes
        std::uint64_t eight = 0;
        for (int x = 0; x < 8; ++x) eight |= static_cast<std::uint64_t>(above[8 * part + x]) << (8 * x);  // one load, whatever the byte order
        found |= (eight * 0x0102040810204080ULL >> 56) << (8 * part);
    }
#endif
    return found;
}

// Bit x of the row's words: byte x is above `level`, 0..255.
void bits_above(const std::uint8_t *row, std::uint8_t level, std::int64_t width, std::uint64_t *words) {
    std::int64_t word = 0;
    for (; 64 * word + 64 <= width; ++word) words[word] = word_above(row + 64 * word, level);
    if (64 * word < width) {  // beyond the row nothing is above
        std::uint8_t rest[64] = {};
        std::memcpy(rest, row + 64 * word, static_cast<std::size_t>(width - 64 * word));
        words[word] = word_above(rest, level);
    }
}

// Grows what is kept of a row by what is kept of the rows next to it; returns whether it grew. Within a run of ink everything right of a seed is what an
// addition changes: ink + seeds carries from the lowest seed to the run's end, over words too. What is left of a seed follows in six doublings, where there
// is any.
bool grow_row(const std::uint64_t *ink, const std::uint64_t *above, const std::uint64_t *below, std::int64_t words, std::uint64_t *kept) {
    std::uint64_t carry = 0, grown = 0;
    const auto near = [&](std::int64_t word) { return above[word] | below[word]; };
    std::uint64_t left = 0, here = near(0);
    for (std::int64_t word = 0; word < words; ++word) {
        const std::uint64_t right = near(word + 1), touched = here | here << 1 | here >> 1 | left >> 63 | right << 63;
        const std::uint64_t among = ink[word], seeds = among & (kept[word] | touched);
        const std::uint64_t plus = among + seeds, sum = plus + carry;
        carry = (plus < among) | (sum < plus);
        const std::uint64_t now = among & ((among ^ sum) | seeds);
        grown |= now ^ kept[word];
        kept[word] = now;
        left = here, here = right;
    }
    for (std::int64_t word = words - 1; word >= 0; --word) {
        std::uint64_t missing = ink[word] & ~kept[word];
        std::uint64_t fill = missing & (kept[word] >> 1 | kept[word + 1] << 63);
        if (fill == 0) continue;
        for (int step = 1; step < 64; step *= 2) {
            fill |= missing & fill >> step;
            missing &= missing >> step;
        }
        kept[word] |= fill;
        grown |= fill;
    }
    return grown != 0;
}

// Sweeps down and up until nothing grows, or until `looks` rows were looked at; returns whether all is settled.
bool grow(const Bits &ink, std::int64_t height, std::int64_t looks, Bits &kept) {
    std::vector<char> stale(static_cast<std::size_t>(height) + 2, 1);  // row y at y + 1
    for (bool down = true;; down = !down) {
        bool grew = false;
        for (std::int64_t i = 0; i < height; ++i) {
            const std::int64_t y = down ? i : height - 1 - i;
            if (!stale[y + 1]) continue;
            if (looks-- <= 0) return false;
            stale[y + 1] = 0;
            if (!grow_row(ink.row(y), kept.row(y - 1), kept.row(y + 1), ink.words, kept.row(y))) continue;
            stale[y] = stale[y + 2] = 1;
            grew = true;
        }
        if (!grew) return true;
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

// The same by joining the runs of a row with those above it.
void join_runs(const Bits &ink, std::int64_t height, std::int64_t width, Bits &kept) {
    std::vector<Run> runs;
    std::vector<std::uint32_t> first(static_cast<std::size_t>(height) + 1, 0);
    for (std::int64_t y = 0; y < height; ++y) {
        std::uint32_t above = y > 0 ? first[y - 1] : 0;
        const std::uint32_t above_end = first[y] = static_cast<std::uint32_t>(runs.size());
        if (y == 0) above = above_end;
        each_run(ink.row(y), width, [&](std::int64_t begin, std::int64_t end) {
            const auto self = static_cast<std::uint32_t>(runs.size());
            std::uint32_t mine = self;
            bool seeded = any(kept.row(y), begin, end);
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
            if (!runs[self.parent].seeded) continue;
            std::uint64_t *const row = kept.row(y);
            for (std::int64_t word = self.begin / 64; word <= (self.end - 1) / 64; ++word) {
                std::uint64_t some = ~0ULL;
                if (word == self.begin / 64) some &= ~0ULL << (self.begin % 64);
                if (word == (self.end - 1) / 64) some &= ~0ULL >> (63 - (self.end - 1) % 64);
                row[word] |= some;
            }
        }
}

// One byte a bit, 0 or 1, of `count` bits.
void bytes_of(std::uint64_t word, std::int64_t count, std::uint8_t *bytes) {
    for (; count >= 8; count -= 8, bytes += 8, word >>= 8) {
        // Byte i keeps bit i alone, and 127 more raises it to the byte's highest bit.
        const std::uint64_t apart = (word & 0xff) * 0x0101010101010101ULL & 0x8040201008040201ULL;
        const std::uint64_t ones = (apart + 0x7f7f7f7f7f7f7f7fULL) >> 7 & 0x0101010101010101ULL;
        for (int i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(ones >> (8 * i));  // one store, whatever the byte order
    }
    for (std::int64_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(word >> i & 1);
}

}  // namespace

void keep_seeded(std::uint8_t *ink, const std::uint8_t *contrast, int level, std::int64_t height, std::int64_t width, int looks) {
    Bits all(height, width), kept(height, width);
    for (std::int64_t y = 0; y < height; ++y) {
        bits_above(ink + y * width, 0, width, all.row(y));
        if (level < 0)
            std::copy_n(all.row(y), all.words, kept.row(y));
        else
            bits_above(contrast + y * width, static_cast<std::uint8_t>(std::min(level, 255)), width, kept.row(y));
        for (std::int64_t word = 0; word < all.words; ++word) kept.row(y)[word] &= all.row(y)[word];
    }
    if (!grow(all, height, looks * height, kept)) join_runs(all, height, width, kept);
    for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t word = 0; word < all.words; ++word)
            if (kept.row(y)[word] != all.row(y)[word]) bytes_of(kept.row(y)[word], std::min<std::int64_t>(64, width - 64 * word), ink + y * width + 64 * word);
}

// Counting is bound by the read-modify-write of one counter an addition. Counting pairs of neighbouring pixels halves the additions: 65,536 counters, of which a
// page's narrow range of greys keeps a part in the first cache. Two additions to one counter in a row wait for each other, so the two halves of the page are
// counted in turns, and eight pixels of one grey (paper scanned to pure white) are one addition elsewhere. Small pages, where clearing the table would cost
// more, count singly.
void histogram(const std::uint8_t *grey, std::int64_t pixels, std::int64_t *counts) {
    for (int value = 0; value < 256; ++value) counts[value] = 0;
    std::int64_t done = 0;
    if (pixels >= 1 << 18) {
        constexpr std::int64_t most = std::int64_t{1} << 31;  // pixels of a half: a 32-bit counter of pairs cannot overflow within
        std::vector<std::uint32_t> pairs(65536);
        std::uint32_t eights[256];
        while (pixels - done >= 16) {
            const std::int64_t half = std::min((pixels - done) / 16 * 8, most);
            std::memset(pairs.data(), 0, pairs.size() * 4);
            std::memset(eights, 0, sizeof eights);
            const auto count = [&pairs, &eights](const std::uint8_t *eight) {
                std::uint64_t word;
                std::memcpy(&word, eight, 8);
                if (word == std::rotl(word, 8))
                    ++eights[word & 0xff];
                else
                    ++pairs[word & 0xffff], ++pairs[(word >> 16) & 0xffff], ++pairs[(word >> 32) & 0xffff], ++pairs[word >> 48];
            };
            for (std::int64_t i = done; i < done + half; i += 8) count(grey + i), count(grey + half + i);
            done += 2 * half;
            for (int high = 0; high < 256; ++high) {
                counts[high] += 8 * static_cast<std::int64_t>(eights[high]);
                for (int low = 0; low < 256; ++low) {
                    const std::int64_t both = pairs[high * 256 + low];
                    counts[high] += both, counts[low] += both;
                }
            }
        }
    }
    for (; done < pixels; ++done) ++counts[grey[done]];
}

}  // namespace docbin::document
