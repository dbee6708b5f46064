#include "files/png_rows.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace docbin::files {

namespace {

enum Filter : std::uint8_t { none, sub, up, average, paeth };

// A row whose bytes are predicted from the pixel to the left, too: what is decoded stays in registers, for each pixel waits for the one before.
template <int step, typename Predicted>
void along(const std::uint8_t *in, const std::uint8_t *above, std::int64_t width, std::uint8_t *out, Predicted predicted) {
    int left[step] = {}, corner[step] = {};
    for (std::int64_t x = 0; x < width; x += step)
        for (int part = 0; part < step; ++part) {
            const int over = above[x + part];
            left[part] = (in[x + part] + predicted(left[part], over, corner[part])) & 255;
            corner[part] = over;
            out[x + part] = static_cast<std::uint8_t>(left[part]);
        }
}

// Eight rows of the Paeth filter at once. Each pixel waits for its neighbours to the left and above, and choosing among them takes twenty cycles; so row
// after row, each a pixel behind the one above it, is a lane of a vector: what a lane needs of the row above, its neighbour has just found.
constexpr int lanes = 8;

template <int step, bool inside>
void across(const std::uint8_t *in, const std::uint8_t *above, std::int64_t width, std::int64_t begin, std::int64_t end,
            std::int16_t (&left)[step][lanes], std::int16_t (&corner)[step][lanes], std::uint8_t *out) {
    for (std::int64_t first = begin; first < end; first += step)
        for (int part = 0; part < step; ++part) {
            const std::int64_t x = first + part;  // of the lane 0; lane i is i pixels behind
            const auto there = [&](int lane) { return inside || (x >= lane * step && x - lane * step < width); };
            std::int16_t given[lanes], over[lanes];
            for (int lane = 0; lane < lanes; ++lane)
                given[lane] = there(lane) ? in[lane * (width + 1) + x - lane * step] : std::int16_t{0};
            over[0] = there(0) ? above[x] : std::int16_t{0};
            for (int lane = 1; lane < lanes; ++lane) over[lane] = left[part][lane - 1];
            for (int lane = 0; lane < lanes; ++lane) {  // before its row's start a lane holds zeros, as the specification wants
                const std::int16_t to_the_left = left[part][lane], over_it = over[lane], at_corner = corner[part][lane];
                const std::int16_t down = over_it - at_corner, aside = to_the_left - at_corner, both = down + aside;
                const std::int16_t to_left = down < 0 ? -down : down, to_over = aside < 0 ? -aside : aside, to_corner = both < 0 ? -both : both;
                const std::int16_t other = to_over <= to_corner ? over_it : at_corner, least = to_over < to_corner ? to_over : to_corner;
                left[part][lane] = (given[lane] + (to_left <= least ? to_the_left : other)) & 255;
                corner[part][lane] = over_it;
            }
            for (int lane = 0; lane < lanes; ++lane)
                if (there(lane)) out[lane * width + x - lane * step] = static_cast<std::uint8_t>(left[part][lane]);
        }
}

template <int step>
void paeth_rows(const std::uint8_t *in, const std::uint8_t *above, std::int64_t width, std::uint8_t *out) {
    constexpr std::int64_t ramp = (lanes - 1) * step;
    std::int16_t left[step][lanes] = {}, corner[step][lanes] = {};
    const std::int64_t inner = std::max(ramp, width);
    across<step, false>(in, above, width, 0, ramp, left, corner, out);
    across<step, true>(in, above, width, ramp, width, left, corner, out);
    across<step, false>(in, above, width, inner, width + ramp, left, corner, out);
}

template <int step>
bool row(std::uint8_t filter, const std::uint8_t *in, const std::uint8_t *above, std::int64_t width, std::uint8_t *out) {
    switch (filter) {
        case none:
            std::copy(in, in + width, out);
            return true;
        case sub:
            along<step>(in, above, width, out, [](int left, int, int) { return left; });
            return true;
        case up:
            for (std::int64_t x = 0; x < width; ++x) out[x] = static_cast<std::uint8_t>(in[x] + above[x]);
            return true;
        case average:
            along<step>(in, above, width, out, [](int left, int over, int) { return (left + over) / 2; });
            return true;
        case paeth:
            along<step>(in, above, width, out, [](int left, int over, int corner) {
                // Without branches: on a scan no guess of a branch is right often enough.
                const int down = over - corner, across = left - corner;
                const int to_left = std::abs(down), to_over = std::abs(across), to_corner = std::abs(down + across);
                const int other = to_over <= to_corner ? over : corner;
                return to_left <= std::min(to_over, to_corner) ? left : other;
            });
            return true;
        default:
            return false;
    }
}

}  // namespace

bool png_rows(const std::uint8_t *filtered, std::int64_t rows, std::int64_t width, int step, const std::uint8_t *above, std::uint8_t *out) {
    const std::vector<std::uint8_t> zeros(above ? 0 : static_cast<std::size_t>(width), 0);
    const auto decode = step == 1 ? row<1> : row<3>;
    const auto decode_lanes = step == 1 ? paeth_rows<1> : paeth_rows<3>;
    for (std::int64_t y = 0; y < rows;) {
        const std::uint8_t *in = filtered + y * (width + 1);
        const std::uint8_t *over = y ? out + (y - 1) * width : above ? above : zeros.data();
        int alike = 0;
        while (alike < lanes && y + alike < rows && in[alike * (width + 1)] == paeth) ++alike;
        if (alike == lanes)
            decode_lanes(in + 1, over, width, out + y * width);
        else if (!decode(in[0], in + 1, over, width, out + y * width))
            return false;
        y += alike == lanes ? lanes : 1;
    }
    return true;
}

}  // namespace docbin::files
