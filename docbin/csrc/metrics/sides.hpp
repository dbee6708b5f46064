// The two sides of the weights, and what they share; see metrics/weights.hpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "metrics/components.hpp"
#include "metrics/nearest.hpp"

namespace docbin {

constexpr int far_away = 250;  // "out of reach": no weight, but a value where a nearest skeleton pixel lies out there

template <class Visit>
void for_each_set(const BitMask &mask, Visit &&visit) {
    for (int y = 0; y < mask.height; ++y)
        for (int w = 0; w < mask.words; ++w)
            for (std::uint64_t word = mask.row(y)[w]; word != 0; word &= word - 1) visit(y, 64 * w + std::countr_zero(word));
}

// Gives every component without a skeleton pixel one (point 2).
template <class IsMember>
void seed_empty(BitMask &skeleton, const Components &found, IsMember &&is_member) {
    std::vector<char> has(found.boxes.size(), 0);
    for (const Run &run : found.runs) {
        if (has[run.label]) continue;
        const std::uint64_t *row = skeleton.row(run.y);
        for (int x = run.begin; x < run.end && !has[run.label]; x = (x | 63) + 1) {
            std::uint64_t word = row[x >> 6] >> (x & 63);
            const int length = std::min(run.end - x, 64 - (x & 63));
            if (length < 64) word &= (std::uint64_t{1} << length) - 1;
            has[run.label] = word != 0;
        }
    }
    struct Mass {
        std::int64_t y = 0, x = 0, count = 0;
    };
    std::unordered_map<int, Mass> masses;
    for (const Run &run : found.runs) {
        if (has[run.label]) continue;
        Mass &mass = masses[run.label];
        const std::int64_t length = run.end - run.begin;
        mass.y += length * run.y;
        mass.x += length * (run.begin + run.end - 1) / 2;
        mass.count += length;
    }
    for (const auto &[label, mass] : masses) {
        const int y = static_cast<int>(mass.y / mass.count), x = static_cast<int>(mass.x / mass.count);
        if (y + 1 < skeleton.height && x + 1 < skeleton.width && is_member(y + 1, x + 1))
            skeleton.set(y + 1, x + 1);
        else
            skeleton.set(y, x);
    }
}

// Point 4: an end of the skeleton takes its neighbour's factor plus 1. `factor(y, x)` is the value that the raster-order pass would read there.
template <class Factor>
int end_factor(const BitMask &skeleton, int y, int x, Factor &&factor) {
    const int up = std::max(y - 1, 0), down = std::min(y + 1, skeleton.height - 1);
    const int left = std::max(x - 1, 0), right = std::min(x + 1, skeleton.width - 1);
    const int ys[8] = {up, down, y, y, up, down, down, up}, xs[8] = {x, x, left, right, left, right, left, right};
    int hits = 0, last = 0;
    for (int k = 0; k < 8; ++k)
        if (skeleton.at(ys[k], xs[k])) {
            ++hits;
            last = k;
        }
    if (hits != 1) return 0;
    // The weight program reads the lower right neighbour's factor in column 1 (column 0 at the right edge).
    const int value = last == 5 ? factor(down, right > x ? std::min(1, skeleton.width - 1) : 0) : factor(ys[last], xs[last]);
    return value > 0 ? value + 1 : 0;
}

// Points 3 to 5 and the stroke widths, of the ink.
struct InkSide {
    Components found;
    const BitMask &contour;
    BitMask skeleton;
    ByteMap depth;
    std::vector<std::uint8_t> stroke_width;  // by label

    InkSide(const BitMask &truth, const BitMask &contour, const ByteMap &to_contour, const metrics::Kernels &);
    // Calls use(y, scale) for every row in turn: the normalisers of a row, 0 where there is none. Once only: it gives back what it needs.
    void normalise(const std::function<void(int, const std::uint16_t *)> &use);

private:
    ByteMap factor, to_skeleton;
    void raise_crest();
    void write_factors();
    void scale_row(int y, std::uint16_t *to) const;
    void measure_strokes();
};

// Points 2 to 4 and 6, of the paper: first what needs no stroke widths, then the rest, for the pixels that are asked for.
class PaperSide {
public:
    PaperSide(const BitMask &truth, const ByteMap &to_contour, const metrics::Kernels &);
    // `wanted`: the pixels of the paper whose scale is asked for.
    void finish(const InkSide &ink, const BitMask &wanted, int threads);

    // The gap of a pixel: 0 on ink, `far_away` where it has none.
    int gap(int y, int x) const {
        if (!region.at(y, x)) return truth.at(y, x) ? 0 : far_away;
        return filled.at(y, x) ? 0 : std::min<int>(to_contour.row(y)[x], far_away) + crest.at(y, x);
    }
    // The gap's scale, of wanted pixels; 0 where there is no weight.
    int scale(int y, int x) const { return reach.row(y)[x]; }

private:
    friend class HalfGaps;
    struct Writer {
        int label, y, x, away;
        bool before(const Writer &other) const { return std::tie(label, y, x) < std::tie(other.label, other.y, other.x); }
    };

    const BitMask &truth;
    const ByteMap &to_contour;
    const metrics::Kernels &kernels;
    const int height, width;
    const Box page;
    Components found;
    int main_label = 0;  // the first component whose box is the page: for its pixels the box cuts nothing off
    BitMask minor;       // paper of all other components
    BitMask ridge;       // skeleton of the paper
    BitMask region, filled, crest;  // paper with a gap; whose window fills the whole component first; ridge pixels whose gap is raised
    BitMask mixed;       // paper whose nearest contour pixels belong to several components
    ByteMap to_ridge;
    ByteMap reach;       // the widest stroke among the pixel's nearest contour pixels; wanted pixels end with their scale
    std::vector<char> searches;          // by label: whether its pixels look for contour one by one
    std::unordered_map<std::size_t, Writer> far_writers;  // by ridge pixel: the last one that sees it only because its box cuts nearer ones off

    std::size_t key(int y, int x) const {
        return (static_cast<std::size_t>(y) + 1) * (static_cast<std::size_t>(width) + 2) + static_cast<std::size_t>(x) + 1;
    }
    bool in_domain(int y, int x) const {
        const int d = gap(y, x);
        return d != 0 && d < far_away;
    }
    bool cut_off(const Box &box, int y, int x, int radius) const {
        return y - radius < box.top || x - radius < box.left || y + radius > box.bottom || x + radius > box.right;
    }
    const Box &box_of(int y, int x) const { return minor.at(y, x) ? found.boxes[found.label_at(y, x)] : page; }
    void thin_paper();
    template <class Label> void look_at_contour(const InkSide &ink);
    template <class Label> void look_inside_boxes(const InkSide &ink, const Label *owner);
    std::size_t first_run(int y, int x) const;
    void measure_gaps(const InkSide &ink);
    void find_far_writers();
    void search_contour(const InkSide &ink, const BitMask &near, int y0, int y1);
    void mark_merges(const BitMask &near, BitMask &merges, int y0, int y1) const;
    void assign_scales(const BitMask &wanted, const ByteMap &to_merge, int y0, int y1);
};

}  // namespace docbin
