#include <algorithm>
#include <utility>

#include "metrics/sides.hpp"
#include "metrics/thinning.hpp"

namespace docbin {

// Point 3: the crest of the skeleton gets 1 more; the page's edge repeats.
void InkSide::raise_crest() {
    const int height = depth.height, width = depth.width;
    for_each_set(skeleton, [&](int y, int x) {
        std::uint8_t *here = depth.row(y);
        const std::uint8_t value = here[x];
        if (value == 0 || value >= far_away) return;
        if (depth.row(std::max(y - 1, 0))[x] == value && depth.row(std::min(y + 1, height - 1))[x] == value &&
            here[std::max(x - 1, 0)] == value && here[std::min(x + 1, width - 1)] == value)
            here[x] = static_cast<std::uint8_t>(value + 1);
    });
}

InkSide::InkSide(const BitMask &truth, const BitMask &contour, const ByteMap &to_contour, const metrics::Kernels &kernels)
    : found(components(truth, false)), contour(contour), skeleton(truth), depth(truth.height, truth.width),
      factor(truth.height, truth.width), to_skeleton(0, 0) {
    thin(skeleton, kernels);
    seed_empty(skeleton, found, [&](int y, int x) { return truth.at(y, x); });
    for (const Run &run : found.runs) {
        std::uint8_t *to = depth.row(run.y);
        const std::uint8_t *from = to_contour.row(run.y);
        for (int x = run.begin; x < run.end; ++x) to[x] = std::min<std::uint8_t>(from[x], far_away);
    }
    for_each_set(skeleton, [&](int y, int x) {
        if (contour.at(y, x)) depth.row(y)[x] = 1;
    });
    raise_crest();
    to_skeleton = chessboard(skeleton, kernels);
    write_factors();
    measure_strokes();
}

// Point 4. A factor is written by the last pixel that looks at it, component after component, so later writes simply win.
void InkSide::write_factors() {
    for_each_set(skeleton, [&](int y, int x) { factor.row(y)[x] = 1; });
    std::vector<std::size_t> start(found.boxes.size() + 1), order(found.runs.size());  // runs by label, each label's in raster order
    for (const Run &run : found.runs) ++start[static_cast<std::size_t>(run.label) + 1];
    for (std::size_t label = 1; label < start.size(); ++label) start[label] += start[label - 1];
    for (std::size_t k = 0; k < found.runs.size(); ++k) order[start[found.runs[k].label]++] = k;
    for (const std::size_t k : order) {
        const Run &run = found.runs[k];
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            const int d = depth.row(run.y)[x];
            if (d == 0 || d >= far_away) continue;
            const int nearest = to_skeleton.row(run.y)[x];
            const int away = nearest == 0 ? !contour.at(run.y, x) : std::min(nearest, far_away);
            if (nearest == 0) {  // the skeleton sees itself
                factor.row(run.y)[x] = static_cast<std::uint8_t>(d + (away >= d));
                continue;
            }
            visit_nearest(skeleton, box, run.y, x, nearest, [&](int sy, int sx) {
                const int own = depth.row(sy)[sx];
                factor.row(sy)[sx] = static_cast<std::uint8_t>(own + (away >= own));
            });
        }
    }
    for_each_set(skeleton, [&](int y, int x) {
        if (const int value = end_factor(skeleton, y, x, [&](int fy, int fx) -> int { return factor.row(fy)[fx]; }))
            factor.row(y)[x] = static_cast<std::uint8_t>(value);
    });
}

// Point 5 without following the left neighbour.
void InkSide::scale_row(int y, std::uint16_t *to) const {
    for (std::size_t k = found.row_at[y]; k < found.row_at[y + 1]; ++k) {
        const Run &run = found.runs[k];
        const Box &box = found.boxes[run.label];
        for (int x = run.begin; x < run.end; ++x) {
            const int d = depth.row(y)[x];
            if (d == 0 || d >= far_away) continue;
            int best = 0;
            const int nearest = to_skeleton.row(y)[x];
            if (nearest == 0)
                best = d * factor.row(y)[x];
            else
                visit_nearest(skeleton, box, y, x, nearest, [&](int sy, int sx) { best = std::max(best, depth.row(sy)[sx] * factor.row(sy)[sx]); });
            to[x] = static_cast<std::uint16_t>(best);
        }
    }
}

// Point 5. A row needs the one above as it became and the one below as it is, so three rows are held.
void InkSide::normalise(const std::function<void(int, const std::uint16_t *)> &use) {
    const int height = depth.height, width = depth.width;
    std::vector<std::uint16_t> rows[3];
    for (auto &row : rows) row.resize(width);
    scale_row(0, rows[0].data());
    for (int y = 0; y < height; ++y) {
        std::uint16_t *here = rows[y % 3].data();
        if (y + 1 < height) {
            std::vector<std::uint16_t> &next = rows[(y + 1) % 3];
            std::fill(next.begin(), next.end(), std::uint16_t{0});
            scale_row(y + 1, next.data());
        }
        const std::uint16_t *up = y > 0 ? rows[(y + 2) % 3].data() : here, *down = y + 1 < height ? rows[(y + 1) % 3].data() : here;
        for (std::size_t k = found.row_at[y]; k < found.row_at[y + 1]; ++k)
            for (int x = std::max(found.runs[k].begin, 1); x < found.runs[k].end; ++x) {  // follow the left neighbour
                const std::uint16_t value = here[x], right = here[std::min(x + 1, width - 1)];
                if (value == 0 || up[x] == 0 || down[x] == 0 || here[x - 1] == 0 || right == 0) continue;
                if (value != up[x] && value != down[x] && value != here[x - 1] && value != right) here[x] = here[x - 1];
            }
        use(y, here);
    }
    factor = ByteMap(0, 0);
    to_skeleton = ByteMap(0, 0);
}

// Point 6: twice the mean factor, rounded down first.
void InkSide::measure_strokes() {
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

}  // namespace docbin
