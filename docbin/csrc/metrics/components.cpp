#include "metrics/components.hpp"

#include <algorithm>
#include <bit>
#include <new>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__linux__)
#include <sys/mman.h>
#else
#include <cstdlib>
#endif

namespace docbin {

#if defined(__linux__)
void *page_memory(std::size_t size, bool dense) {
    if (size == 0) size = 1;
    void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw std::bad_alloc();
    if (dense && size >= std::size_t{4} << 20) madvise(data, size, MADV_HUGEPAGE);
    return data;
}

void release_page_memory(void *data, std::size_t size) {
    if (data != nullptr) munmap(data, size == 0 ? 1 : size);
}
#else
void *page_memory(std::size_t size, bool) {
    void *data = std::calloc(size == 0 ? 1 : size, 1);
    if (data == nullptr) throw std::bad_alloc();
    return data;
}

void release_page_memory(void *data, std::size_t) { std::free(data); }
#endif

namespace {

// Appends the runs of one row; `flip` is all ones for the complement.
void append_runs(const BitMask &mask, int y, std::uint64_t flip, std::vector<Run> &runs) {
    const std::uint64_t *row = mask.row(y);
    std::uint64_t before = 0;
    bool open = false;
    for (int w = 0; w < mask.words; ++w) {
        std::uint64_t word = row[w] ^ flip;
        const int left = mask.width - 64 * w;
        if (left < 64) word &= (std::uint64_t{1} << left) - 1;
        std::uint64_t edges = word ^ (word << 1 | before);
        before = word >> 63;
        while (edges != 0) {
            const int x = 64 * w + std::countr_zero(edges);
            edges &= edges - 1;
            if (open)
                runs.back().end = x;
            else
                runs.push_back({y, x, mask.width, 0});
            open = !open;
        }
    }
}

int root_of(std::vector<int> &parent, int run) {
    while (parent[run] != run) run = parent[run] = parent[parent[run]];
    return run;
}

}  // namespace

int Components::label_at(int y, int x) const {
    const auto first = runs.begin() + static_cast<std::ptrdiff_t>(row_at[y]), last = runs.begin() + static_cast<std::ptrdiff_t>(row_at[y + 1]);
    const auto after = std::upper_bound(first, last, x, [](int value, const Run &run) { return value < run.begin; });
    return after != first && (after - 1)->end > x ? (after - 1)->label : 0;
}

Components components(const BitMask &mask, bool complement) {
    Components found;
    std::vector<Run> &runs = found.runs;
    std::vector<int> parent;
    found.row_at.assign(static_cast<std::size_t>(mask.height) + 1, 0);
    for (int y = 0; y < mask.height; ++y) {
        found.row_at[y] = runs.size();
        append_runs(mask, y, complement ? ~std::uint64_t{0} : 0, runs);
        for (std::size_t k = parent.size(); k < runs.size(); ++k) parent.push_back(static_cast<int>(k));
        if (y == 0) continue;
        std::size_t above = found.row_at[y - 1];
        for (std::size_t k = found.row_at[y]; k < runs.size(); ++k) {
            while (above < found.row_at[y] && runs[above].end < runs[k].begin) ++above;
            for (std::size_t other = above; other < found.row_at[y] && runs[other].begin <= runs[k].end; ++other) {
                const int a = root_of(parent, static_cast<int>(other)), b = root_of(parent, static_cast<int>(k));
                // The smaller index wins, so a root is its component's first run.
                if (a < b) parent[b] = a;
                if (b < a) parent[a] = b;
            }
        }
    }
    found.row_at[mask.height] = runs.size();
    found.boxes.push_back({0, 0, -1, -1});
    for (std::size_t k = 0; k < runs.size(); ++k) {
        const int root = root_of(parent, static_cast<int>(k));
        Run &run = runs[k];
        if (root == static_cast<int>(k)) {
            run.label = static_cast<int>(found.boxes.size());
            found.boxes.push_back({run.y, run.begin, run.y, run.end - 1});
        } else {
            run.label = runs[root].label;
        }
        Box &box = found.boxes[run.label];
        box.left = std::min(box.left, run.begin);
        box.right = std::max(box.right, run.end - 1);
        box.bottom = run.y;
    }
    return found;
}

namespace {

// here[x] = min(here[x], here[x - 1] + 1), from left to right.
void carry_right(std::uint8_t *here, int width) {
    int x = 0, carry = 255;
#if defined(__SSE2__)
    // Sixteen at a time: after steps of 1, 2, 4 and 8 every lane has heard of all lanes to its left, then of the last lane before.
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i ramp = _mm_set_epi8(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    for (; x + 16 <= width; x += 16) {
        __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(here + x));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_slli_si128(v, 1), _mm_srli_si128(ones, 15)), _mm_set1_epi8(1)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_slli_si128(v, 2), _mm_srli_si128(ones, 14)), _mm_set1_epi8(2)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_slli_si128(v, 4), _mm_srli_si128(ones, 12)), _mm_set1_epi8(4)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_slli_si128(v, 8), _mm_srli_si128(ones, 8)), _mm_set1_epi8(8)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_set1_epi8(static_cast<char>(carry)), ramp));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(here + x), v);
        carry = here[x + 15];
    }
#endif
    for (; x < width; ++x) here[x] = static_cast<std::uint8_t>(carry = std::min(carry + 1, static_cast<int>(here[x])));
}

void carry_left(std::uint8_t *here, int width) {
    int x = width, carry = 255;
#if defined(__SSE2__)
    const __m128i ones = _mm_set1_epi8(-1);
    const __m128i ramp = _mm_set_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    for (; x >= 16; x -= 16) {
        __m128i *at = reinterpret_cast<__m128i *>(here + x - 16);
        __m128i v = _mm_loadu_si128(at);
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_srli_si128(v, 1), _mm_slli_si128(ones, 15)), _mm_set1_epi8(1)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_srli_si128(v, 2), _mm_slli_si128(ones, 14)), _mm_set1_epi8(2)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_srli_si128(v, 4), _mm_slli_si128(ones, 12)), _mm_set1_epi8(4)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_or_si128(_mm_srli_si128(v, 8), _mm_slli_si128(ones, 8)), _mm_set1_epi8(8)));
        v = _mm_min_epu8(v, _mm_adds_epu8(_mm_set1_epi8(static_cast<char>(carry)), ramp));
        _mm_storeu_si128(at, v);
        carry = here[x - 16];
    }
#endif
    while (x-- > 0) here[x] = static_cast<std::uint8_t>(carry = std::min(carry + 1, static_cast<int>(here[x])));
}

}  // namespace

ByteMap chessboard(const BitMask &features) {
    ByteMap distance(features.height, features.width, 255);
    const int width = features.width;
    // Two sweeps are exact for the chessboard distance: a shortest path can take its steps from above or the left first.
    const auto hear = [&](int y, int from) {
        std::uint8_t *here = distance.row(y);
        const std::uint8_t *near = distance.row(from);
        for (int x = 0; x < width; ++x) {
            const std::uint8_t least = std::min(std::min(near[x - 1], near[x]), near[x + 1]);
            const std::uint8_t step = static_cast<std::uint8_t>(least + (least != 255));
            here[x] = std::min(here[x], step);
        }
    };
    for (int y = 0; y < features.height; ++y) {
        std::uint8_t *here = distance.row(y);
        const std::uint64_t *bits = features.row(y);
        for (int w = 0; w < features.words; ++w)
            for (std::uint64_t word = bits[w]; word != 0; word &= word - 1) here[64 * w + std::countr_zero(word)] = 0;
        hear(y, y - 1);
        carry_right(here, width);
    }
    for (int y = features.height - 1; y >= 0; --y) {
        hear(y, y + 1);
        carry_left(distance.row(y), width);
    }
    return distance;
}

}  // namespace docbin
