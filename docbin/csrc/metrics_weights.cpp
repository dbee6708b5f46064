#include "metrics_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "metrics_nearest.hpp"
#include "metrics_thin.hpp"

namespace docbin {

namespace {

constexpr int depth_factor = 4;
constexpr int far_away = 250;  // "out of reach": no weight, but a value where a nearest skeleton pixel lies out there

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

template <class Visit>
void for_each_set(const BitMask &mask, Visit &&visit) {
    for (int y = 0; y < mask.height; ++y)
        for (int w = 0; w < mask.words; ++w)
            for (std::uint64_t word = mask.row(y)[w]; word != 0; word &= word - 1) visit(y, 64 * w + std::countr_zero(word));
}

// Point 3: the crest of the skeleton gets 1 more; the page's edge repeats.
void raise_crest(ByteMap &distance, const BitMask &skeleton) {
    const int height = distance.height, width = distance.width;
    for_each_set(skeleton, [&](int y, int x) {
        std::uint8_t *here = distance.row(y);
        const std::uint8_t value = here[x];
        if (value == 0 || value >= far_away) return;
        if (distance.row(std::max(y - 1, 0))[x] == value && distance.row(std::min(y + 1, height - 1))[x] == value &&
            here[std::max(x - 1, 0)] == value && here[std::min(x + 1, width - 1)] == value)
            here[x] = static_cast<std::uint8_t>(value + 1);
    });
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

// ------------------------------------------------------------------------------------------------------------------------ ink: points 3 to 6

struct InkSide {
    Components found;
    BitMask contour, skeleton;
    ByteMap depth;
    std::vector<std::uint16_t> scale;
    std::vector<std::uint8_t> stroke_width;  // by label

    InkSide(const BitMask &truth, Components labelled, const BitMask &contour, const ByteMap &to_contour);
};

InkSide::InkSide(const BitMask &truth, Components labelled, const BitMask &contour, const ByteMap &to_contour)
    : found(std::move(labelled)), contour(contour), skeleton(truth), depth(truth.height, truth.width, 0),
      scale(static_cast<std::size_t>(truth.height) * truth.width) {
    const int height = truth.height, width = truth.width;
    const Box page{0, 0, height - 1, width - 1};
    thin(skeleton, nullptr);
    seed_empty(skeleton, found, [&](int y, int x) { return truth.at(y, x); });
    for (const Run &run : found.runs) {
        std::uint8_t *to = depth.row(run.y);
        const std::uint8_t *from = to_contour.row(run.y);
        for (int x = run.begin; x < run.end; ++x) to[x] = std::min<std::uint8_t>(from[x], far_away);
    }
    for_each_set(skeleton, [&](int y, int x) {
        if (contour.at(y, x)) depth.row(y)[x] = 1;
    });
    raise_crest(depth, skeleton);

    // The factor of a skeleton pixel is written by the last pixel that looks at it: raster order, a higher label beating a lower one.
    ByteMap factor(height, width, 0);
    for_each_set(skeleton, [&](int y, int x) { factor.row(y)[x] = 1; });
    ByteMap radius(height, width, 255);
    std::vector<std::int32_t> last_label(static_cast<std::size_t>(height) * width);
    std::vector<std::pair<int, int>> seen;
    for (const Run &run : found.runs) {
        const Box &box = found.boxes[run.label];
        int start = 0;
        for (int x = run.begin; x < run.end; ++x) {
            const int d = depth.row(run.y)[x];
            if (d == 0 || d >= far_away) {
                start = 0;
                continue;
            }
            seen.clear();
            const auto keep = [&](int sy, int sx) {
                if (box.holds(sy, sx)) seen.emplace_back(sy, sx);
            };
            const int nearest = visit_nearest(skeleton, page, run.y, x, start, keep);
            int at = nearest;
            if (seen.empty()) at = visit_nearest(skeleton, box, run.y, x, nearest + 1, keep);
            radius.row(run.y)[x] = static_cast<std::uint8_t>(at < 0 ? 255 : std::min(at, 254));
            const int away = nearest == 0 ? !contour.at(run.y, x) : std::min(nearest, far_away);
            for (const auto &[sy, sx] : seen) {
                std::int32_t &label = last_label[static_cast<std::size_t>(sy) * width + sx];
                if (label > run.label) continue;
                label = run.label;
                const int own = depth.row(sy)[sx];
                factor.row(sy)[sx] = static_cast<std::uint8_t>(own + (away >= own));
            }
            start = std::max(nearest - 1, 0);
        }
    }
    for_each_set(skeleton, [&](int y, int x) {
        if (const int value = end_factor(skeleton, y, x, [&](int fy, int fx) -> int { return factor.row(fy)[fx]; }))
            factor.row(y)[x] = static_cast<std::uint8_t>(value);
    });

    for (const Run &run : found.runs) {
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            const int at = radius.row(run.y)[x];
            if (at == 255) continue;
            int best = 0;
            const auto look = [&](int sy, int sx) { best = std::max(best, depth.row(sy)[sx] * factor.row(sy)[sx]); };
            if (at < 254)
                visit_ring(skeleton, box, run.y, x, at, look);
            else
                visit_nearest(skeleton, box, run.y, x, at, look);
            scale[static_cast<std::size_t>(run.y) * width + x] = static_cast<std::uint16_t>(best);
        }
    }
    for (const Run &run : found.runs) {  // point 5: follow the left neighbour
        std::uint16_t *here = scale.data() + static_cast<std::size_t>(run.y) * width;
        const std::uint16_t *up = run.y > 0 ? here - width : here, *down = run.y + 1 < height ? here + width : here;
        for (int x = std::max(run.begin, 1); x < run.end; ++x) {
            const std::uint16_t value = here[x], right = here[std::min(x + 1, width - 1)];
            if (value == 0 || up[x] == 0 || down[x] == 0 || here[x - 1] == 0 || right == 0) continue;
            if (value != up[x] && value != down[x] && value != here[x - 1] && value != right) here[x] = here[x - 1];
        }
    }

    std::vector<std::int64_t> total(found.boxes.size()), count(found.boxes.size());
    for (const Run &run : found.runs)
        for (int x = run.begin; x < run.end; x = (x | 63) + 1) {
            std::uint64_t word = skeleton.row(run.y)[x >> 6] >> (x & 63);
            const int length = std::min(run.end - x, 64 - (x & 63));
            if (length < 64) word &= (std::uint64_t{1} << length) - 1;
            for (; word != 0; word &= word - 1) {
                total[run.label] += factor.row(run.y)[x + std::countr_zero(word)];
                ++count[run.label];
            }
        }
    stroke_width.assign(found.boxes.size(), 0);
    for (std::size_t label = 1; label < found.boxes.size(); ++label)
        stroke_width[label] = static_cast<std::uint8_t>(std::min<std::int64_t>(total[label] / std::max<std::int64_t>(count[label], 1) * 2, 255));
}

// ------------------------------------------------------------------------------------------------------------------------ paper: points 3, 4, 6

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

// Zero-filled memory that costs nothing where it is never touched; zero means "not yet known".
template <class T>
class Lazy {
public:
    explicit Lazy(std::size_t size) : data_(static_cast<T *>(std::calloc(size, sizeof(T)))) {
        if (data_ == nullptr) throw std::bad_alloc();
    }
    T &operator[](std::size_t at) { return data_.get()[at]; }

private:
    struct Free {
        void operator()(T *data) const { std::free(data); }
    };
    std::unique_ptr<T, Free> data_;
};

class PaperSide {
public:
    PaperSide(const BitMask &truth, const InkSide &ink, const ByteMap &to_contour, Components labelled, int threads);

    ByteMap gap, gap_scale;

private:
    static constexpr int several = -1;
    struct Writer {
        int label, y, x, away;
        bool before(const Writer &other) const { return std::tie(label, y, x) < std::tie(other.label, other.y, other.x); }
    };

    const InkSide &ink;
    const ByteMap &to_contour;
    const int height, width;
    const Box page;
    Components found;
    int main_label = 0;  // the first component whose box is the page: for its pixels the box cuts nothing off
    BitMask minor;       // paper of all other components
    BitMask ridge;
    ByteMap to_ridge;
    // What a pixel's nearest contour pixels say: their component (0 = not known, -1 = several) and the widest stroke among them.
    Lazy<std::int32_t> near_label;
    ByteMap reach;
    Lazy<std::uint8_t> written, factor;  // of ridge pixels, before and after the ends are done
    Lazy<std::uint16_t> area, settled;   // D x factor before and after following the left neighbour, plus 1
    std::unordered_map<std::size_t, Writer> far_writers;  // by ridge pixel: the last one that sees it only because its box cuts nearer ones off

    std::size_t key(int y, int x) const { return (static_cast<std::size_t>(y) + 1) * (static_cast<std::size_t>(width) + 2) + static_cast<std::size_t>(x) + 1; }
    bool in_domain(int y, int x) const {
        const int d = gap.row(y)[x];
        return d != 0 && d < far_away;
    }
    bool cut_off(const Box &box, int y, int x, int radius) const {
        return y - radius < box.top || x - radius < box.left || y + radius > box.bottom || x + radius > box.right;
    }
    int label_of(int y, int x) const { return minor.at(y, x) ? found.label_at(y, x) : main_label; }
    void thin_paper(const BitMask &truth, const BitMask &deep);
    void look_at_contour(int widest);
    void measure_gaps(const BitMask &region, const BitMask &deep);
    void find_far_writers();
    void assign_scales();
    int written_factor(int y, int x);
    int factor_of(int y, int x);
    int area_of(int y, int x);
    int settled_area(int y, int x);
    int half_gap(int y, int x) { return static_cast<int>(std::floor(std::sqrt(static_cast<double>(settled_area(y, x))) + 0.5)); }
};

PaperSide::PaperSide(const BitMask &truth, const InkSide &ink, const ByteMap &to_contour, Components labelled, int threads)
    : gap(truth.height, truth.width, 0), gap_scale(truth.height, truth.width, 0), ink(ink), to_contour(to_contour), height(truth.height),
      width(truth.width), page{0, 0, truth.height - 1, truth.width - 1}, found(std::move(labelled)), minor(height, width), ridge(height, width),
      to_ridge(1, 1, 0), near_label(key(height, width)), reach(height, width, 0), written(key(height, width)), factor(key(height, width)),
      area(key(height, width)), settled(key(height, width)) {
    for (int label = 1; label <= found.count() && main_label == 0; ++label) {
        const Box &box = found.boxes[label];
        if (box.top == 0 && box.left == 0 && box.bottom == height - 1 && box.right == width - 1) main_label = label;
    }
    for (const Run &run : found.runs)
        if (run.label != main_label)
            for (int x = run.begin; x < run.end; ++x) minor.set(run.y, x);
    const int widest = *std::max_element(ink.stroke_width.begin(), ink.stroke_width.end());
    const int deepest = depth_factor * widest + 2;
    const BitMask region = reached_paper(truth, ink);
    BitMask deep(height, width);
    for (int y = 0; y < height && deepest < 255; ++y) {
        const std::uint8_t *distance = to_contour.row(y);
        for (int w = 0; w < deep.words; ++w) {
            std::uint64_t bits = 0;
            const int length = std::min(64, width - 64 * w);
            for (int k = 0; k < length; ++k) bits |= static_cast<std::uint64_t>(distance[64 * w + k] > deepest) << k;
            deep.row(y)[w] = bits;
        }
    }
    if (threads > 1) {
        std::thread looking([&] { look_at_contour(widest); });
        thin_paper(truth, deep);
        looking.join();
    } else {
        thin_paper(truth, deep);
        look_at_contour(widest);
    }
    measure_gaps(region, deep);
    to_ridge = chessboard(ridge);
    find_far_writers();
    assign_scales();
}

// Point 2: the paper without the page's frame; what is deep in the paper stays whole (see the twin).
void PaperSide::thin_paper(const BitMask &truth, const BitMask &deep) {
    BitMask inside(1, width);
    for (int x = 1; x + 1 < width; ++x) inside.set(0, x);
    for (int y = 1; y + 1 < height; ++y)
        for (int w = 0; w < ridge.words; ++w) ridge.row(y)[w] = ~truth.row(y)[w] & inside.row(0)[w];
    thin(ridge, &deep);
    seed_empty(ridge, found, [&](int y, int x) { return !truth.at(y, x); });
}

// The set of nearest contour pixels is the union of the sets of the neighbours one step nearer, so what is said about it travels in two sweeps.
void PaperSide::look_at_contour(int widest) {
    for (const Run &run : ink.found.runs)
        for (int x = run.begin; x < run.end; ++x)
            if (to_contour.row(run.y)[x] == 0) {
                near_label[key(run.y, x)] = run.label;
                reach.row(run.y)[x] = ink.stroke_width[run.label];
            }
    const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(to_contour.stride);
    const std::uint8_t *distance = to_contour.bytes.data();
    std::uint8_t *widths = reach.bytes.data();
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
}

void PaperSide::measure_gaps(const BitMask &region, const BitMask &deep) {
    for (const Run &run : found.runs) {
        std::uint8_t *to = gap.row(run.y);
        const std::uint8_t *from = to_contour.row(run.y);
        const std::uint64_t *in = region.row(run.y), *out = deep.row(run.y);
        for (int x = run.begin; x < run.end; ++x) {
            const bool counts = ((in[x >> 6] & ~out[x >> 6]) >> (x & 63) & 1) != 0;
            to[x] = counts ? std::min<std::uint8_t>(from[x], far_away) : far_away;
        }
        if (run.label == main_label) continue;
        for (int x = run.begin; x < run.end; ++x)
            if ((in[x >> 6] & ~out[x >> 6]) >> (x & 63) & 1 && fill_radius(run.y, x, found.boxes[run.label], height, width) < from[x]) to[x] = 0;
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

// Point 4. The pixels that look at a ridge pixel form a star around it (every king's step towards it stays among them), so the rows that hold some are
// consecutive, and within a row those farther to the side than up or down are consecutive from the diagonal.
int PaperSide::written_factor(int y, int x) {
    std::uint8_t &memo = written[key(y, x)];
    if (memo != 0) return memo;
    Writer last{0, 0, 0, 0};
    if (const auto far = far_writers.find(key(y, x)); far != far_writers.end()) last = far->second;
    const auto consider = [&](int cy, int cx, int distance) {
        if (!in_domain(cy, cx)) return;
        const int label = label_of(cy, cx);
        if (label != main_label && !found.boxes[label].holds(y, x)) return;
        const Writer writer{label, cy, cx, distance == 0 ? 1 : std::min(distance, far_away)};
        if (last.before(writer)) last = writer;
    };
    const auto row = [&](int dy) {
        const int cy = y + dy, far = dy < 0 ? -dy : dy;
        if (cy < 0 || cy >= height) return false;
        const std::uint8_t *distance = to_ridge.row(cy);
        bool any = false;
        for (int cx = std::max(x - far, 0); cx <= std::min(x + far, width - 1); ++cx)
            if (distance[cx] == far) {
                any = true;
                consider(cy, cx, far);
            }
        for (const int side : {-1, 1}) {
            int off = far;
            while (x + side * off >= 0 && x + side * off < width && off < 255 && distance[x + side * off] == off) {
                if (off > far) consider(cy, x + side * off, off);
                ++off;
            }
        }
        return any;
    };
    for (int dy = 0; dy < 255 && row(dy); ++dy) {}
    for (int dy = -1; dy > -255 && row(dy); --dy) {}
    const int own = gap.row(y)[x];
    return memo = static_cast<std::uint8_t>(last.label == 0 ? 1 : own + (last.away >= own));
}

int PaperSide::factor_of(int y, int x) {
    std::uint8_t &memo = factor[key(y, x)];
    if (memo != 0) return memo;
    const int value = end_factor(ridge, y, x, [&](int fy, int fx) {
        if (!ridge.at(fy, fx)) return 0;
        return fy < y || (fy == y && fx < x) ? factor_of(fy, fx) : written_factor(fy, fx);
    });
    return memo = static_cast<std::uint8_t>(value != 0 ? value : written_factor(y, x));
}

int PaperSide::area_of(int y, int x) {
    if (!in_domain(y, x)) return 0;
    std::uint16_t &memo = area[key(y, x)];
    if (memo != 0) return memo - 1;
    int best = 0;
    const auto look = [&](int sy, int sx) { best = std::max(best, gap.row(sy)[sx] * factor_of(sy, sx)); };
    const int radius = to_ridge.row(y)[x];
    const Box &box = minor.at(y, x) ? found.boxes[found.label_at(y, x)] : page;
    visit_nearest(ridge, box, y, x, radius, look);
    memo = static_cast<std::uint16_t>(best + 1);
    return best;
}

// Point 5 on demand: whether a pixel takes its left neighbour's value depends on what became of the upper and the left one.
int PaperSide::settled_area(int y, int x) {
    if (!in_domain(y, x)) return 0;
    std::uint16_t &memo = settled[key(y, x)];
    if (memo != 0) return memo - 1;
    int value = area_of(y, x);
    const auto differs = [value](int other) { return other != 0 && other != value; };
    if (value != 0 && x > 0 && x + 1 < width && y > 0 && y + 1 < height && differs(area_of(y, x + 1)) && differs(area_of(y + 1, x)) &&
        differs(settled_area(y - 1, x)) && differs(settled_area(y, x - 1)))
        value = settled_area(y, x - 1);
    memo = static_cast<std::uint16_t>(value + 1);
    return value;
}

// Point 6.
void PaperSide::assign_scales() {
    BitMask merges(height, width);
    bool any = false;
    for (const Run &run : found.runs) {
        const std::uint8_t *own = gap.row(run.y), *distance = to_contour.row(run.y);
        std::uint8_t *wide = reach.row(run.y);
        for (int x = run.begin; x < run.end; ++x) {
            if (own[x] == 0 || own[x] >= far_away) {
                wide[x] = 0;
                continue;
            }
            bool mixed = near_label[key(run.y, x)] == several;
            if (run.label != main_label && cut_off(found.boxes[run.label], run.y, x, distance[x])) {
                int first = 0, widest = 0;
                mixed = false;
                visit_nearest(ink.contour, found.boxes[run.label], run.y, x, distance[x], [&](int cy, int cx) {
                    const int label = near_label[key(cy, cx)];
                    mixed |= first != 0 && label != first;
                    first = label;
                    widest = std::max<int>(widest, ink.stroke_width[label]);
                });
                wide[x] = static_cast<std::uint8_t>(widest);
            }
            if (own[x] > wide[x]) {
                wide[x] = 0;
            } else if (mixed && half_gap(run.y, x) != 0) {
                merges.set(run.y, x);
                any = true;
            }
        }
    }
    const ByteMap to_merge = any ? chessboard(merges) : ByteMap(height, width, 255);
    for (const Run &run : found.runs) {
        const std::uint8_t *own = gap.row(run.y), *wide = reach.row(run.y), *distance = to_merge.row(run.y);
        std::uint8_t *to = gap_scale.row(run.y);
        for (int x = run.begin; x < run.end; ++x) {
            to[x] = wide[x];
            if (own[x] < wide[x] && distance[x] <= wide[x] - own[x])
                to[x] = static_cast<std::uint8_t>(std::min<int>(half_gap(run.y, x), wide[x]));
        }
    }
}

constexpr std::int64_t weight_one = std::int64_t{1} << 30;

}  // namespace

WeightParts weight_parts(const BitMask &truth, int threads) {
    const BitMask contour = contour_of(truth);
    const ByteMap to_contour = chessboard(contour);
    Components paper_found;
    std::thread labelling;
    if (threads > 1)
        labelling = std::thread([&] { paper_found = components(truth, true); });
    else
        paper_found = components(truth, true);
    InkSide ink(truth, components(truth, false), contour, to_contour);
    if (labelling.joinable()) labelling.join();
    PaperSide paper(truth, ink, to_contour, std::move(paper_found), threads);
    return {std::move(ink.depth), std::move(ink.scale), std::move(paper.gap), std::move(paper.gap_scale), std::move(ink.skeleton)};
}

std::array<std::int64_t, 6> pseudo_counts(const BitMask &prediction, const BitMask &truth, int threads) {
    const WeightParts parts = weight_parts(truth, threads);
    std::array<std::int64_t, 6> sums{};
    auto &[recall_found, recall_all, precision_right, precision_all, skeleton_found, skeleton_all] = sums;
    for (int y = 0; y < truth.height; ++y) {
        const std::uint64_t *p = prediction.row(y), *t = truth.row(y), *s = parts.skeleton.row(y);
        const std::uint16_t *scale = parts.depth_scale.data() + static_cast<std::size_t>(y) * truth.width;
        for (int w = 0; w < truth.words; ++w) {
            skeleton_found += std::popcount(s[w] & p[w]);
            skeleton_all += std::popcount(s[w]);
            const std::int64_t both = std::popcount(p[w] & t[w]);
            precision_right += weight_one * both;
            precision_all += weight_one * std::popcount(p[w]);
            for (std::uint64_t word = t[w]; word != 0; word &= word - 1) {
                const int x = 64 * w + std::countr_zero(word);
                if (scale[x] == 0) continue;
                const std::int64_t weight = parts.depth.row(y)[x] * weight_one / scale[x];
                recall_all += weight;
                if (p[w] & word & -word) recall_found += weight;
            }
            for (std::uint64_t word = p[w] & ~t[w]; word != 0; word &= word - 1) {
                const int x = 64 * w + std::countr_zero(word), n = parts.gap_scale.row(y)[x];
                if (n != 0) precision_all += std::min(parts.gap.row(y)[x] * weight_one / n, 2 * weight_one);
            }
        }
    }
    return sums;
}

}  // namespace docbin
