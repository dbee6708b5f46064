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
        : paper(paper), factor(paper.key(paper.height, paper.width), false), area(paper.key(paper.height, paper.width), false) {}

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
        if (!paper.in_domain(cy, cx)) return;
        const int label = paper.minor.at(cy, cx) ? paper.found.label_at(cy, cx) : paper.main_label;
        if (label != paper.main_label && !paper.found.boxes[label].holds(y, x)) return;
        const PaperSide::Writer writer{label, cy, cx, distance == 0 ? 1 : std::min(distance, far_away)};
        if (last.before(writer)) last = writer;
    };
    const auto row = [&](int dy) {
        const int cy = y + dy, far = dy < 0 ? -dy : dy;
        if (cy < 0 || cy >= paper.height) return false;
        const std::uint8_t *distance = paper.to_ridge.row(cy);
        bool any = false;
        for (int cx = std::max(x - far, 0); cx <= std::min(x + far, paper.width - 1); ++cx)
            if (distance[cx] == far) {
                any = true;
                consider(cy, cx, far);
            }
        for (const int side : {-1, 1}) {
            int off = far;
            while (x + side * off >= 0 && x + side * off < paper.width && off < 255 && distance[x + side * off] == off) {
                if (off > far) consider(cy, x + side * off, off);
                ++off;
            }
        }
        return any;
    };
    for (int dy = 0; dy < 255 && row(dy); ++dy) {}
    for (int dy = -1; dy > -255 && row(dy); --dy) {}
    const int own = paper.gap.row(y)[x];
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
    const auto look = [&](int sy, int sx) { best = std::max(best, paper.gap.row(sy)[sx] * factor_of(sy, sx)); };
    const int radius = paper.to_ridge.row(y)[x];
    const Box &box = paper.minor.at(y, x) ? paper.found.boxes[paper.found.label_at(y, x)] : paper.page;
    visit_nearest(paper.ridge, box, y, x, radius, look);
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

PaperSide::PaperSide(const BitMask &truth, const ByteMap &to_contour)
    : gap(truth.height, truth.width, 0), gap_scale(truth.height, truth.width, 0), truth(truth), to_contour(to_contour), height(truth.height),
      width(truth.width), page{0, 0, truth.height - 1, truth.width - 1}, found(components(truth, true)), minor(height, width),
      ridge(height, width), to_ridge(0, 0, 0), near_label(key(height, width)) {
    for (int label = 1; label <= found.count() && main_label == 0; ++label) {
        const Box &box = found.boxes[label];
        if (box.top == 0 && box.left == 0 && box.bottom == height - 1 && box.right == width - 1) main_label = label;
    }
    for (const Run &run : found.runs)
        if (run.label != main_label)
            for (int x = run.begin; x < run.end; ++x) minor.set(run.y, x);
    thin_paper();
    to_ridge = chessboard(ridge);
}

// Point 2: the paper without the page's frame.
void PaperSide::thin_paper() {
    BitMask inside(1, width);
    for (int x = 1; x + 1 < width; ++x) inside.set(0, x);
    for (int y = 1; y + 1 < height; ++y)
        for (int w = 0; w < ridge.words; ++w) ridge.row(y)[w] = ~truth.row(y)[w] & inside.row(0)[w];
    thin(ridge);
    seed_empty(ridge, found, [&](int y, int x) { return !truth.at(y, x); });
}

void PaperSide::finish(const InkSide &ink, int threads) {
    auto looking = std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] { look_at_contour(ink); });
    measure_gaps(ink);
    find_far_writers();
    looking.get();
    BitMask merges(height, width);
    in_bands(height, threads, [&](int y0, int y1) { mark_merges(ink, merges, y0, y1); });
    const ByteMap to_merge = chessboard(merges);
    in_bands(height, threads, [&](int y0, int y1) { assign_scales(to_merge, y0, y1); });
}

// The set of nearest contour pixels is the union of the sets of the neighbours one step nearer, so what is said about it travels in two sweeps.
void PaperSide::look_at_contour(const InkSide &ink) {
    const int widest = *std::max_element(ink.stroke_width.begin(), ink.stroke_width.end());
    for (const Run &run : ink.found.runs)
        for (int x = run.begin; x < run.end; ++x)
            if (to_contour.row(run.y)[x] == 0) {
                near_label[key(run.y, x)] = run.label;
                gap_scale.row(run.y)[x] = ink.stroke_width[run.label];
            }
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(to_contour.stride);
    const std::uint8_t *distance = to_contour.bytes.data();
    std::uint8_t *widths = gap_scale.bytes.data();
    const auto hear = [&](std::size_t at, std::ptrdiff_t offset, int d) {
        const std::size_t from = at + static_cast<std::size_t>(offset);
        if (distance[from] != d - 1 || near_label[from] == 0) return;
        std::int32_t &label = near_label[at];
        label = label == 0 || label == near_label[from] ? near_label[from] : several;
        widths[at] = std::max(widths[at], widths[from]);
    };
    const auto listen = [&](const Run &run, int x, std::ptrdiff_t row, std::ptrdiff_t side) {
        const std::size_t at = key(run.y, x);
        const int d = distance[at];
        if (d == 0 || d > widest) return;
        hear(at, row - 1, d);
        hear(at, row, d);
        hear(at, row + 1, d);
        hear(at, side, d);
    };
    for (auto run = found.runs.begin(); run != found.runs.end(); ++run)
        for (int x = run->begin; x < run->end; ++x) listen(*run, x, -stride, -1);
    for (auto run = found.runs.rbegin(); run != found.runs.rend(); ++run)
        for (int x = run->end - 1; x >= run->begin; --x) listen(*run, x, stride, 1);
    look_inside_boxes(ink);
    for_each_set(ink.contour, [&](int y, int x) { gap_scale.row(y)[x] = 0; });
}

// The same for components whose box cuts the view off (mostly the holes of letters): two sweeps over each box by itself. A component that fills hardly any of a
// large box would cost more than it is worth; its pixels search one by one, later.
void PaperSide::look_inside_boxes(const InkSide &ink) {
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
                    const int owner = near_label[key(box.top + y, box.left + x)];
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
                    near_label[key(run.y, x)] = view.distance < unseen ? view.label : 0;
                    gap_scale.row(run.y)[x] = view.distance < unseen ? view.widest : 0;
                }
            }
    }
}

// The first run of row y that ends beyond x.
std::size_t PaperSide::first_run(int y, int x) const {
    const auto first = found.runs.begin() + static_cast<std::ptrdiff_t>(found.row_at[y]), last = found.runs.begin() + static_cast<std::ptrdiff_t>(found.row_at[y + 1]);
    return static_cast<std::size_t>(std::upper_bound(first, last, x, [](int value, const Run &run) { return value < run.end; }) - found.runs.begin());
}

void PaperSide::measure_gaps(const InkSide &ink) {
    const BitMask region = reached_paper(truth, ink);
    for (const Run &run : found.runs) {
        std::uint8_t *to = gap.row(run.y);
        const std::uint8_t *from = to_contour.row(run.y);
        const std::uint64_t *in = region.row(run.y);
        for (int x = run.begin; x < run.end; ++x) {
            const bool counts = (in[x >> 6] >> (x & 63) & 1) != 0;
            to[x] = counts ? std::min<std::uint8_t>(from[x], far_away) : far_away;
        }
        if (run.label == main_label) continue;
        for (int x = run.begin; x < run.end; ++x)
            if ((in[x >> 6] >> (x & 63) & 1) != 0 && fill_radius(run.y, x, found.boxes[run.label], height, width) < from[x]) to[x] = 0;
    }
    raise_crest(gap, ridge);
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

// Point 6, first part: which pixels are near enough to have a weight (the others' reach becomes 0), and which of them are equally near two components. A half
// gap is 0 only where every ridge pixel in sight has no distance.
void PaperSide::mark_merges(const InkSide &ink, BitMask &merges, int y0, int y1) {
    for (std::size_t k = found.row_at[y0]; k < found.row_at[y1]; ++k) {
        const Run &run = found.runs[k];
        const std::uint8_t *own = gap.row(run.y), *distance = to_contour.row(run.y);
        std::uint8_t *wide = gap_scale.row(run.y);
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            if (own[x] == 0 || own[x] >= far_away) {
                wide[x] = 0;
                continue;
            }
            bool mixed = near_label[key(run.y, x)] == several;
            if (searches[run.label] && cut_off(box, run.y, x, distance[x])) {
                int first = 0, widest = 0;
                mixed = false;
                visit_nearest(ink.contour, box, run.y, x, distance[x], [&](int cy, int cx) {
                    const int label = near_label[key(cy, cx)];
                    mixed |= first != 0 && label != first;
                    first = label;
                    widest = std::max<int>(widest, ink.stroke_width[label]);
                });
                wide[x] = static_cast<std::uint8_t>(widest);
            }
            if (own[x] > wide[x]) {
                wide[x] = 0;
            } else if (mixed) {
                bool gapped = false;
                visit_nearest(ridge, box, run.y, x, to_ridge.row(run.y)[x], [&](int ry, int rx) { gapped |= gap.row(ry)[rx] != 0; });
                if (gapped) merges.set(run.y, x);
            }
        }
    }
}

// Point 6, second part.
void PaperSide::assign_scales(const ByteMap &to_merge, int y0, int y1) {
    HalfGaps half_gaps(*this);
    for (std::size_t k = found.row_at[y0]; k < found.row_at[y1]; ++k) {
        const Run &run = found.runs[k];
        const std::uint8_t *own = gap.row(run.y), *distance = to_merge.row(run.y);
        std::uint8_t *scale = gap_scale.row(run.y);
        for (int x = run.begin; x < run.end; ++x)
            if (own[x] < scale[x] && distance[x] <= scale[x] - own[x])
                scale[x] = static_cast<std::uint8_t>(std::min<int>(half_gaps.half_gap(run.y, x), scale[x]));
    }
}

}  // namespace docbin
