#include <future>

#include "metrics/sides.hpp"
#include "metrics/thinning.hpp"

namespace docbin {

namespace {

BitMask reached_paper(const BitMask &truth, const InkSide &ink) {
    const int height = truth.height, width = truth.width;
    BitMask region(height, width);
    for (int label = 1; label <= ink.found.count(); ++label) {
        const Box &box = ink.found.boxes[label];
        const int grow = 2 * ink.stroke_width[label];
        const int x0 = std::max(box.left - grow, 0), x1 = std::min(box.right + grow, width - 1);
        const std::uint64_t first = ~std::uint64_t{0} << (x0 & 63), last = ~std::uint64_t{0} >> (63 - (x1 & 63));
        for (int y = std::max(box.top - grow, 0); y <= std::min(box.bottom + grow, height - 1); ++y) {
            std::uint64_t *row = region.row(y);
            if (x0 >> 6 == x1 >> 6) {
                row[x0 >> 6] |= first & last;
                continue;
            }
            row[x0 >> 6] |= first;
            for (int w = (x0 >> 6) + 1; w < x1 >> 6; ++w) row[w] = ~std::uint64_t{0};
            row[x1 >> 6] |= last;
        }
    }
    for (int y = 0; y < height; ++y)
        for (int w = 0; w < region.words; ++w) region.row(y)[w] &= ~truth.row(y)[w];
    return region;
}

// The radius at which a window around (y, x), cut at the page's edge, just fills the box; more than any distance if it never does.
int fill_radius(int y, int x, const Box &box, int height, int width) {
    int lower = 0, exact = -1;
    const int steps[4] = {y - box.top, box.bottom - y, x - box.left, box.right - x};
    const bool border[4] = {box.top == 0, box.bottom == height - 1, box.left == 0, box.right == width - 1};
    for (int k = 0; k < 4; ++k) {
        if (border[k])
            lower = std::max(lower, steps[k]);
        else if (exact < 0)
            exact = steps[k];
        else if (exact != steps[k])
            return height + width;
    }
    const int radius = exact >= 0 ? exact : lower;
    return radius >= lower ? radius : height + width;
}

constexpr int several = -1;                     // in the place of a label
constexpr std::size_t no_label16 = 0xFFFF;      // labels of 16 bits: fewer than this

// The mask and all that is within so many king's steps of it.
BitMask grown(BitMask mask, int radius) {
    const int height = mask.height, words = mask.words;
    // A mask grown by c has no holes for steps of up to 2 c + 1.
    for (int done = 0; done < radius;) {
        const int step = std::min({radius - done, 2 * done + 1, 63});
        done += step;
        std::vector<std::uint64_t> wide(static_cast<std::size_t>(words));
        for (int y = 0; y < height; ++y) {
            std::uint64_t *row = mask.row(y);
            for (int w = 0; w < words; ++w)
                wide[w] = row[w] | row[w] << step | row[w - 1] >> (64 - step) | row[w] >> step | row[w + 1] << (64 - step);
            std::copy(wide.begin(), wide.end(), row);
            row[words - 1] &= ~std::uint64_t{0} >> (64 * words - mask.width);
        }
        const BitMask before = mask;
        for (int y = 0; y < height; ++y)
            for (const int other : {y - step, y + step})
                if (other >= 0 && other < height)
                    for (int w = 0; w < words; ++w) mask.row(y)[w] |= before.row(other)[w];
    }
    return mask;
}

// What a pixel learns of its nearest contour pixels from a neighbour that is one step nearer: their component (or that there are several; 0: nothing yet) and
// their widest stroke. Only as far as `widest`.
template <class Label>
struct Nearer {
    struct Row {
        const std::uint8_t *distance;
        Label *label;
        std::uint8_t *reach;
    };
    static constexpr Label many = static_cast<Label>(several);
    const metrics::Kernels &kernels;
    int width, widest;

    void hear_pixel(const Row &row, int x, int side) const {
        if (row.distance[x] == 0 || row.distance[x] > widest || row.distance[x + side] != row.distance[x] - 1) return;
        const Label heard = row.label[x + side];
        row.label[x] = row.label[x] == 0 || row.label[x] == heard ? heard : heard == 0 ? row.label[x] : many;
        row.reach[x] = std::max(row.reach[x], row.reach[x + side]);
    }
    // Pixels at a distance of 1 to `most` from the three neighbours in another row.
    void hear_row(const Row &here, const Row &near, int most) const {
        kernels.largest(here.distance, near.distance, most, near.reach, here.reach, width);
        if constexpr (sizeof(Label) == 2)
            kernels.label16(here.distance, near.distance, most, near.label, here.label, width);
        else
            kernels.label32(here.distance, near.distance, most, near.label, here.label, width);
    }
    void mark_several(const Row &row, std::uint64_t *bits) const {
        for (int x = 0; x < width; x += 64) {
            const int length = std::min(width - x, 64);
            unsigned any = 0;
            for (int k = 0; k < length; ++k) any |= row.label[x + k] == many;
            if (any != 0)
                for (int k = 0; k < length; ++k) bits[x >> 6] |= std::uint64_t{row.label[x + k] == many} << k;
        }
    }
};

// Runs `work(first, last)` on bands of the rows 0 to `rows`, one band a thread.
template <class Work>
void in_bands(int rows, int threads, Work &&work) {
    const int bands = std::max(1, std::min(threads, rows / 64));
    std::vector<std::future<void>> others;
    for (int band = 1; band < bands; ++band)
        others.push_back(std::async(std::launch::async, [&work, rows, band, bands] { work(rows * band / bands, rows * (band + 1) / bands); }));
    work(0, rows / bands);
    for (auto &other : others) other.get();
}

}  // namespace

// Half gaps on demand: the factor of the ridge pixels that a pixel looks at, D x factor, and what is left of it after following the left neighbour.
// What was asked is remembered (areas plus 1); one object a thread, as asking changes it.
class HalfGaps {
public:
    explicit HalfGaps(const PaperSide &paper)
        : paper(paper), factor(paper.key(paper.height, paper.width), Start::sparse), area(paper.key(paper.height, paper.width), Start::sparse) {}

    int half_gap(int y, int x) { return static_cast<int>(std::floor(std::sqrt(static_cast<double>(settled_area(y, x))) + 0.5)); }

private:
    const PaperSide &paper;
    PageArray<std::uint8_t> factor;
    PageArray<std::uint16_t> area;
    std::unordered_map<std::size_t, int> settled;  // only of the few pixels that could follow

    int written_factor(int y, int x);
    int factor_of(int y, int x);
    int area_of(int y, int x);
    int settled_area(int y, int x);
};

// Point 4. The pixels that look at a ridge pixel form a star around it (every king's step towards it stays among them), so the rows that hold some are
// consecutive, and within a row those farther to the side than up or down are consecutive from the diagonal.
int HalfGaps::written_factor(int y, int x) {
    PaperSide::Writer last{0, 0, 0, 0};
    if (const auto far = paper.far_writers.find(paper.key(y, x)); far != paper.far_writers.end()) last = far->second;
    const auto consider = [&](int cy, int cx, int distance) {
        const bool minor = paper.minor.at(cy, cx);
        if (!minor && !last.before({paper.main_label, cy, cx, 0})) return;
        if (!paper.in_domain(cy, cx)) return;
        const int label = minor ? paper.found.label_at(cy, cx) : paper.main_label;
        if (label != paper.main_label && !paper.found.boxes[label].holds(y, x)) return;
        const PaperSide::Writer writer{label, cy, cx, distance == 0 ? 1 : std::min(distance, far_away)};
        if (last.before(writer)) last = writer;
    };
    const auto any_minor = [&](int cy, int from, int to) {
        const std::uint64_t *row = paper.minor.row(cy);
        std::uint64_t any = 0;
        for (int w = from >> 6; w <= to >> 6; ++w) any |= row[w];
        return any != 0;
    };
    const auto row = [&](int dy) {
        const int cy = y + dy, far = dy < 0 ? -dy : dy;
        if (cy < 0 || cy >= paper.height) return false;
        const std::uint8_t *distance = paper.to_ridge.row(cy);
        const int from = std::max(x - far, 0), to = std::min(x + far, paper.width - 1);
        std::uint8_t any = 0;
        for (int cx = from; cx <= to; ++cx) any |= distance[cx] == far;
        // From the right, and no farther than to the first that counts: those to its left are before it, if the main component's.
        const bool all = any_minor(cy, from, to);
        for (int cx = to; any != 0 && cx >= from && (all || last.before({paper.main_label, cy, cx, 0})); --cx)
            if (distance[cx] == far) consider(cy, cx, far);
        for (const int side : {-1, 1}) {
            int off = far;
            while (x + side * off >= 0 && x + side * off < paper.width && off < 255 && distance[x + side * off] == off) {
                if (off > far) consider(cy, x + side * off, off);
                ++off;
            }
        }
        return any != 0;
    };
    for (int dy = 0; dy < 255 && row(dy); ++dy) {}
    for (int dy = -1; dy > -255 && row(dy); --dy) {}
    const int own = paper.gap(y, x);
    return last.label == 0 ? 1 : own + (last.away >= own);
}

int HalfGaps::factor_of(int y, int x) {
    std::uint8_t &memo = factor[paper.key(y, x)];
    if (memo != 0) return memo;
    const int value = end_factor(paper.ridge, y, x, [&](int fy, int fx) {
        if (!paper.ridge.at(fy, fx)) return 0;
        return fy < y || (fy == y && fx < x) ? factor_of(fy, fx) : written_factor(fy, fx);
    });
    return memo = static_cast<std::uint8_t>(value != 0 ? value : written_factor(y, x));
}

int HalfGaps::area_of(int y, int x) {
    if (!paper.in_domain(y, x)) return 0;
    std::uint16_t &memo = area[paper.key(y, x)];
    if (memo != 0) return memo - 1;
    int best = 0;
    const auto look = [&](int sy, int sx) { best = std::max(best, paper.gap(sy, sx) * factor_of(sy, sx)); };
    const int radius = paper.to_ridge.row(y)[x];
    visit_nearest(paper.ridge, paper.box_of(y, x), y, x, radius, look);
    memo = static_cast<std::uint16_t>(best + 1);
    return best;
}

// Point 5 on demand: whether a pixel takes its left neighbour's value depends on what became of the upper and the left one.
int HalfGaps::settled_area(int y, int x) {
    const int value = area_of(y, x);
    const auto differs = [value](int other) { return other != 0 && other != value; };
    if (value == 0 || x == 0 || x + 1 == paper.width || y == 0 || y + 1 == paper.height) return value;
    if (!differs(area_of(y, x + 1)) || !differs(area_of(y + 1, x))) return value;
    if (const auto known = settled.find(paper.key(y, x)); known != settled.end()) return known->second;
    const int left = settled_area(y, x - 1);
    const int result = differs(settled_area(y - 1, x)) && differs(left) ? left : value;
    settled.emplace(paper.key(y, x), result);
    return result;
}

PaperSide::PaperSide(const BitMask &truth, const ByteMap &to_contour, const metrics::Kernels &kernels)
    : truth(truth), to_contour(to_contour), kernels(kernels), height(truth.height), width(truth.width), page{0, 0, truth.height - 1, truth.width - 1},
      found(components(truth, true)), minor(height, width), ridge(height, width), region(0, 0), filled(height, width), crest(height, width),
      mixed(height, width), to_ridge(0, 0), reach(0, 0) {
    for (int label = 1; label <= found.count() && main_label == 0; ++label) {
        const Box &box = found.boxes[label];
        if (box.top == 0 && box.left == 0 && box.bottom == height - 1 && box.right == width - 1) main_label = label;
    }
    for (const Run &run : found.runs)
        if (run.label != main_label)
            for (int x = run.begin; x < run.end; ++x) minor.set(run.y, x);
    thin_paper();
    to_ridge = chessboard(ridge, kernels);
}

// Point 2: the paper without the page's frame.
void PaperSide::thin_paper() {
    BitMask inside(1, width);
    for (int x = 1; x + 1 < width; ++x) inside.set(0, x);
    for (int y = 1; y + 1 < height; ++y)
        for (int w = 0; w < ridge.words; ++w) ridge.row(y)[w] = ~truth.row(y)[w] & inside.row(0)[w];
    thin(ridge, kernels);
    seed_empty(ridge, found, [&](int y, int x) { return !truth.at(y, x); });
}

void PaperSide::finish(const InkSide &ink, const BitMask &wanted, int threads) {
    auto looking = std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] {
        if (ink.found.boxes.size() < no_label16)
            look_at_contour<std::uint16_t>(ink);
        else
            look_at_contour<std::uint32_t>(ink);
    });
    measure_gaps(ink);
    find_far_writers();
    looking.get();
    // A pixel hears of merging components no farther than its stroke reaches.
    const BitMask near = grown(wanted, *std::max_element(ink.stroke_width.begin(), ink.stroke_width.end()));
    BitMask merges(height, width);
    in_bands(height, threads, [&](int y0, int y1) {
        search_contour(ink, near, y0, y1);
        mark_merges(near, merges, y0, y1);
    });
    const ByteMap to_merge = chessboard(merges, kernels);
    in_bands(height, threads, [&](int y0, int y1) { assign_scales(wanted, to_merge, y0, y1); });
}

// The set of nearest contour pixels is the union of the sets of the neighbours one step nearer, so what is said about it travels along the paths of `chessboard`:
// once to all eight neighbours of the contour, then in two sweeps. (Ink listens, too; nobody asks it.)
template <class Label>
void PaperSide::look_at_contour(const InkSide &ink) {
    reach = ByteMap(height, width);
    PageArray<Label> labels(key(height, width));
    const int widest = *std::max_element(ink.stroke_width.begin(), ink.stroke_width.end());
    const Nearer<Label> nearer{kernels, width, widest};
    const auto at = [&](int y) { return typename Nearer<Label>::Row{to_contour.row(y), labels.data() + key(y, 0), reach.row(y)}; };
    for (const Run &run : ink.found.runs)
        for (int x = run.begin; x < run.end; x = (x | 63) + 1) {
            std::uint64_t word = ink.contour.row(run.y)[x >> 6] >> (x & 63);
            const int length = std::min(run.end - x, 64 - (x & 63));
            if (length < 64) word &= (std::uint64_t{1} << length) - 1;
            for (; word != 0; word &= word - 1) {
                const int cx = x + std::countr_zero(word);
                labels[key(run.y, cx)] = static_cast<Label>(run.label);
                reach.row(run.y)[cx] = ink.stroke_width[run.label];
            }
        }
    std::vector<Label> labels_before(static_cast<std::size_t>(width) + 2);
    std::vector<std::uint8_t> reach_before(labels_before.size());
    for (int y = 0; y < height; ++y) {
        const auto here = at(y);
        std::copy(here.label - 1, here.label + width + 1, labels_before.data());
        std::copy(here.reach - 1, here.reach + width + 1, reach_before.data());
        nearer.hear_row(here, {here.distance, labels_before.data() + 1, reach_before.data() + 1}, 1);
        if (y + 1 < height) nearer.hear_row(here, at(y + 1), 1);
        if (y > 0) nearer.hear_row(here, at(y - 1), widest);
    }
    for (int x = 1; x < width; ++x) nearer.hear_pixel(at(height - 1), x, -1);
    for (int x = width - 1; x-- > 0;) nearer.hear_pixel(at(height - 1), x, 1);
    for (int y = height - 1; y >= 0; --y) {
        if (y + 1 < height) nearer.hear_row(at(y), at(y + 1), widest);
        nearer.mark_several(at(y), mixed.row(y));
    }
    look_inside_boxes(ink, labels.data());
}

// The same for components whose box cuts the view off (mostly the holes of letters): two sweeps over each box by itself. A component that fills hardly any of a
// large box would cost more than it is worth; its pixels search one by one, later.
template <class Label>
void PaperSide::look_inside_boxes(const InkSide &ink, const Label *owner_of) {
    std::vector<std::int64_t> size(found.boxes.size());
    for (const Run &run : found.runs) size[run.label] += run.end - run.begin;
    searches.assign(found.boxes.size(), 0);
    struct View {
        int distance, label;
        std::uint8_t widest;
    };
    std::vector<View> views;
    for (int label = 1; label <= found.count(); ++label) {
        if (label == main_label) continue;
        const Box &box = found.boxes[label];
        const int rows = box.bottom - box.top + 1, columns = box.right - box.left + 1;
        searches[label] = static_cast<std::int64_t>(rows) * columns > 64 * size[label];
        if (searches[label]) continue;
        // A frame of one cell around the box, out of everyone's sight.
        const int unseen = height + width, across = columns + 2;
        views.assign(static_cast<std::size_t>(rows + 2) * across, {unseen, 0, 0});
        for (int y = 0; y < rows; ++y)
            for (int x = 0; x < columns; ++x)
                if (ink.contour.at(box.top + y, box.left + x)) {
                    const int owner = static_cast<int>(owner_of[key(box.top + y, box.left + x)]);
                    views[static_cast<std::size_t>(y + 1) * across + x + 1] = {0, owner, ink.stroke_width[owner]};
                }
        const auto hear = [](View &here, const View &from) {
            if (from.distance + 1 < here.distance) {
                here = {from.distance + 1, from.label, from.widest};
            } else if (from.distance + 1 == here.distance) {
                if (here.label != from.label) here.label = several;
                here.widest = std::max(here.widest, from.widest);
            }
        };
        const auto sweep = [&](int y, int x, int row, int side) {
            View *here = views.data() + static_cast<std::size_t>(y + 1) * across + x + 1;
            for (const int offset : {row - 1, row, row + 1, side}) hear(*here, here[offset]);
        };
        for (int y = 0; y < rows; ++y)
            for (int x = 0; x < columns; ++x) sweep(y, x, -across, -1);
        for (int y = rows - 1; y >= 0; --y)
            for (int x = columns - 1; x >= 0; --x) sweep(y, x, across, 1);
        for (int y = 0; y < rows; ++y)
            for (std::size_t k = first_run(box.top + y, box.left); k < found.row_at[box.top + y + 1] && found.runs[k].begin <= box.right; ++k) {
                const Run &run = found.runs[k];
                if (run.label != label) continue;
                for (int x = run.begin; x < run.end; ++x) {
                    const View &view = views[static_cast<std::size_t>(y + 1) * across + (x - box.left) + 1];
                    reach.row(run.y)[x] = view.distance < unseen ? view.widest : 0;
                    mixed.clear(run.y, x);
                    if (view.distance < unseen && view.label == several) mixed.set(run.y, x);
                }
            }
    }
}

// The first run of row y that ends beyond x.
std::size_t PaperSide::first_run(int y, int x) const {
    const auto first = found.runs.begin() + static_cast<std::ptrdiff_t>(found.row_at[y]), last = found.runs.begin() + static_cast<std::ptrdiff_t>(found.row_at[y + 1]);
    return static_cast<std::size_t>(std::upper_bound(first, last, x, [](int value, const Run &run) { return value < run.end; }) - found.runs.begin());
}

// Point 3 of the paper.
void PaperSide::measure_gaps(const InkSide &ink) {
    region = reached_paper(truth, ink);
    for (const Run &run : found.runs) {
        if (run.label == main_label) continue;
        for (int x = run.begin; x < run.end; ++x)
            if (region.at(run.y, x) && fill_radius(run.y, x, found.boxes[run.label], height, width) < to_contour.row(run.y)[x]) filled.set(run.y, x);
    }
    for_each_set(ridge, [&](int y, int x) {  // the crest gets 1 more, in raster order; the page's edge repeats
        const std::uint8_t *here = to_contour.row(y);
        if (here[std::min(x + 1, width - 1)] != here[x] || to_contour.row(std::min(y + 1, height - 1))[x] != here[x]) return;  // most are done here
        const int value = gap(y, x);
        if (value == 0 || value >= far_away) return;
        if (gap(std::max(y - 1, 0), x) == value && gap(std::min(y + 1, height - 1), x) == value && gap(y, std::max(x - 1, 0)) == value &&
            gap(y, std::min(x + 1, width - 1)) == value)
            crest.set(y, x);
    });
}

void PaperSide::find_far_writers() {
    for (const Run &run : found.runs) {
        if (run.label == main_label) continue;
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            const int radius = to_ridge.row(run.y)[x];
            if (!in_domain(run.y, x) || !cut_off(box, run.y, x, radius)) continue;
            if (visit_ring(ridge, box, run.y, x, radius, [](int, int) {})) continue;
            const Writer writer{run.label, run.y, x, radius == 0 ? 1 : std::min(radius, far_away)};
            visit_nearest(ridge, box, run.y, x, radius + 1, [&](int sy, int sx) {
                const auto [at, fresh] = far_writers.try_emplace(key(sy, sx), writer);
                if (!fresh && at->second.before(writer)) at->second = writer;
            });
        }
    }
}

// What look_at_contour says, for pixels of `searches`.
void PaperSide::search_contour(const InkSide &ink, const BitMask &near, int y0, int y1) {
    for (std::size_t k = found.row_at[y0]; k < found.row_at[y1]; ++k) {
        const Run &run = found.runs[k];
        if (!searches[run.label]) continue;
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            const int distance = to_contour.row(run.y)[x];
            if (!near.at(run.y, x) || !in_domain(run.y, x) || !cut_off(box, run.y, x, distance)) continue;
            int first = 0, widest = 0;
            bool differ = false;
            visit_nearest(ink.contour, box, run.y, x, distance, [&](int cy, int cx) {
                const int label = ink.found.label_at(cy, cx);
                differ |= first != 0 && label != first;
                first = label;
                widest = std::max<int>(widest, ink.stroke_width[label]);
            });
            reach.row(run.y)[x] = static_cast<std::uint8_t>(widest);
            mixed.clear(run.y, x);
            if (differ) mixed.set(run.y, x);
        }
    }
}

// Point 6, first part: which of the pixels that are near enough to have a weight are equally near two components. A half gap is 0 only where every ridge pixel
// in sight has no distance.
void PaperSide::mark_merges(const BitMask &near, BitMask &merges, int y0, int y1) const {
    for (int y = y0; y < y1; ++y)
        for (int w = 0; w < near.words; ++w)
            for (std::uint64_t word = near.row(y)[w] & mixed.row(y)[w] & region.row(y)[w]; word != 0; word &= word - 1) {
                const int x = 64 * w + std::countr_zero(word);
                if (!in_domain(y, x) || gap(y, x) > reach.row(y)[x]) continue;
                bool gapped = false;
                visit_nearest(ridge, box_of(y, x), y, x, to_ridge.row(y)[x], [&](int ry, int rx) { gapped |= gap(ry, rx) != 0; });
                if (gapped) merges.set(y, x);
            }
}

// Point 6, second part.
void PaperSide::assign_scales(const BitMask &wanted, const ByteMap &to_merge, int y0, int y1) {
    HalfGaps half_gaps(*this);
    for (int y = y0; y < y1; ++y)
        for (int w = 0; w < wanted.words; ++w)
            for (std::uint64_t word = wanted.row(y)[w]; word != 0; word &= word - 1) {
                const int x = 64 * w + std::countr_zero(word), own = gap(y, x);
                std::uint8_t &scale = reach.row(y)[x];
                if (own == 0 || own >= far_away || own > scale)
                    scale = 0;
                else if (own < scale && to_merge.row(y)[x] <= scale - own)
                    scale = static_cast<std::uint8_t>(std::min<int>(half_gaps.half_gap(y, x), scale));
            }
}

}  // namespace docbin
