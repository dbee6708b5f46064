// From maps to tap rows: padding, stride and dilation are settled here, once, for every level and for maps of bits and of pixels alike.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "share.hpp"

namespace docbin {

inline constexpr int lane_slack = 64;  // elements that a level may read (and ignore) past the end of a tap row

// The input with its padding, rows split by phase for stride > 1: plane j, padded row y, phase f holds elements f, f + stride, f + 2 stride, ...
template <class Element> class PaddedMap {
public:
    template <class Source>
    PaddedMap(const Source *map, int planes, int height, int width, int pad, int stride, int dilation, Element filler)
        : width_(width), pad_(pad), stride_(stride), dilation_(dilation), padded_height_(height + 2 * pad),
          phase_length_((width + 2 * pad + stride - 1) / stride + lane_slack),
          elements_(static_cast<std::size_t>(planes) * padded_height_ * stride * phase_length_) {
        for (int j = 0; j < planes; ++j)
            for (int y = 0; y < padded_height_; ++y) {
                const int from = y - pad;
                const Source *source = from < 0 || from >= height ? nullptr : map + (static_cast<std::int64_t>(j) * height + from) * width;
                for (int f = 0; f < stride; ++f) fill(elements_.data() + offset(j, y, f), source, f, filler);
            }
    }

    // Where tap column kx of output column 0 lies; output column x is x elements further.
    const Element *tap(int plane, int y, int kx) const {
        const int column = kx * dilation_;
        return elements_.data() + offset(plane, y, column % stride_) + column / stride_;
    }

private:
    std::int64_t offset(int plane, int y, int phase) const {
        return ((static_cast<std::int64_t>(plane) * padded_height_ + y) * stride_ + phase) * phase_length_;
    }

    template <class Source> void fill(Element *to, const Source *source, int phase, Element filler) const {
        if (!source) {
            std::fill(to, to + phase_length_, filler);
        } else if (stride_ == 1) {
            std::fill(to, to + pad_, filler);
            std::copy(source, source + width_, to + pad_);
            std::fill(to + pad_ + width_, to + phase_length_, filler);
        } else {
            for (std::int64_t i = 0; i < phase_length_; ++i) {
                const std::int64_t x = phase + i * stride_ - pad_;
                to[i] = x < 0 || x >= width_ ? filler : static_cast<Element>(source[x]);
            }
        }
    }

    int width_, pad_, stride_, dilation_, padded_height_;
    std::int64_t phase_length_;
    std::vector<Element> elements_;
};

// each(y) for all rows, on several threads.
template <class EachRow> void for_rows(int height, int threads, EachRow each) {
    threads = std::max(1, std::min(threads, height));
    if (threads == 1) {
        for (int y = 0; y < height; ++y) each(y);
        return;
    }
    // Rows are taken in small runs, so that a core that is busy elsewhere does not hold up the rest.
    std::atomic<int> next{0};
    const int run = std::max(1, height / (threads * 8));
    const auto work = [&](int) {
        for (int from; (from = next.fetch_add(run)) < height;)
            for (int y = from; y < std::min(from + run, height); ++y) each(y);
    };
    share(threads, work);
}

}  // namespace docbin
