// The loops behind the weights' sweeps, plain ones, which the compiler turns into the target's vectors; and thinning by words of bits.
#pragma once
#include "metrics/metrics_rows.hpp"

namespace docbin::metrics {
namespace {

using std::size_t;
using std::uint8_t;

template <class T> T larger(T a, T b) { return a > b ? a : b; }
template <class T> T smaller(T a, T b) { return a < b ? a : b; }
// (A selection by ?: would be a branch around the load of `value`, which keeps compilers from vectors.)
template <class T> T only_if(bool condition, T value) { return static_cast<T>(value & static_cast<T>(-static_cast<T>(condition))); }

void distance(uint8_t *__restrict here, const uint8_t *__restrict near, size_t width) {
    for (size_t x = 0; x < width; ++x) {
        const uint8_t least = smaller(smaller(near[x - 1], near[x]), near[x + 1]);
        here[x] = smaller(here[x], static_cast<uint8_t>(smaller<uint8_t>(least, 254) + 1));
    }
}

void largest(const uint8_t *__restrict distance, const uint8_t *__restrict near, int most, const uint8_t *__restrict value, uint8_t *__restrict largest,
             size_t width) {
    const uint8_t last = static_cast<uint8_t>(most - 1);
    for (size_t x = 0; x < width; ++x) {
        const uint8_t nearer = static_cast<uint8_t>(distance[x] - 1);  // of a feature itself 255, which is beyond `last`
        const uint8_t left = only_if(near[x - 1] == nearer, value[x - 1]), middle = only_if(near[x] == nearer, value[x]),
                      right = only_if(near[x + 1] == nearer, value[x + 1]);
        largest[x] = larger(largest[x], only_if(nearer <= last, larger(larger(left, middle), right)));
    }
}

template <class Label> Label joined(Label own, Label heard) {
    return static_cast<Label>(own | heard | only_if((own != 0) & (heard != 0) & (own != heard), static_cast<Label>(~Label{0})));
}

template <class Label>
void label(const uint8_t *__restrict distance, const uint8_t *__restrict near, int most, const Label *__restrict heard, Label *__restrict label, size_t width) {
    const uint8_t last = static_cast<uint8_t>(most - 1);
    for (size_t x = 0; x < width; ++x) {
        const uint8_t nearer = static_cast<uint8_t>(distance[x] - 1);
        const Label left = only_if(near[x - 1] == nearer, heard[x - 1]), middle = only_if(near[x] == nearer, heard[x]),
                    right = only_if(near[x + 1] == nearer, heard[x + 1]);
        label[x] = joined(label[x], only_if(nearer <= last, joined(joined(left, middle), right)));
    }
}

// By Boolean algebra on the eight neighbour words. With exactly one step from off to on around a pixel its on-neighbours form one run, so "two or more" means
// two adjacent ones and "six or fewer" two adjacent zeros.
template <int iteration>
std::uint64_t thin_words(const std::uint64_t *up, const std::uint64_t *here, const std::uint64_t *down, std::uint64_t active, int words, std::uint64_t *gone) {
    using W = isa::Words;
    using V = W::V;
    constexpr std::uint64_t group = W::size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << W::size) - 1;
    std::uint64_t changed = 0;
    for (int w = 0; w < words; w += W::size) {
        if ((active >> w & group) == 0) continue;
        const auto west_of = [&](const std::uint64_t *row, V own) { return W::bit_or(W::shift_left(own, 1), W::shift_right(W::load(row + w - 1), 63)); };
        const auto east_of = [&](const std::uint64_t *row, V own) { return W::bit_or(W::shift_right(own, 1), W::shift_left(W::load(row + w + 1), 63)); };
        const V north = W::load(up + w), middle = W::load(here + w), south = W::load(down + w), east = east_of(here, middle), west = west_of(here, middle);
        const V around[9] = {north, east_of(up, north), east, east_of(down, south), south, west_of(down, south), west, west_of(up, north), north};
        V once = W::zero(), twice = W::zero(), pair = W::zero(), gap = W::zero();
        for (int k = 0; k < 8; ++k) {
            const V step = W::bit_and(W::bit_not(around[k]), around[k + 1]);
            twice = W::bit_or(twice, W::bit_and(once, step));
            once = W::bit_or(once, step);
            pair = W::bit_or(pair, W::bit_and(around[k], around[k + 1]));
            gap = W::bit_or(gap, W::bit_not(W::bit_or(around[k], around[k + 1])));
        }
        const V kept = iteration == 1 ? W::bit_and(W::bit_and(east, south), W::bit_or(north, west)) : W::bit_and(W::bit_and(north, west), W::bit_or(east, south));
        const V dead = W::bit_and(W::bit_and(W::bit_and(middle, once), W::bit_and(pair, gap)), W::bit_not(W::bit_or(twice, kept)));
        std::uint64_t found[W::size];
        W::store(found, dead);
        for (int k = 0; k < W::size && w + k < words; ++k) {
            gone[w + k] = found[k];
            changed |= std::uint64_t{found[k] != 0} << (w + k);
        }
    }
    return changed;
}

std::uint64_t thin(int iteration, const std::uint64_t *up, const std::uint64_t *here, const std::uint64_t *down, std::uint64_t active, int words,
                   std::uint64_t *gone) {
    return iteration == 1 ? thin_words<1>(up, here, down, active, words, gone) : thin_words<2>(up, here, down, active, words, gone);
}

constexpr Kernels table{distance, largest, label<std::uint16_t>, label<std::uint32_t>, thin};

}  // namespace
}  // namespace docbin::metrics
