#include "metrics/weights.hpp"

#include <algorithm>
#include <bit>
#include <future>

#include "metrics/sides.hpp"

namespace docbin {

namespace {

constexpr std::int64_t weight_one = std::int64_t{1} << 30;

// Every pixel of a page of this size.
BitMask page_of(int height, int width) {
    BitMask page(height, width);
    for (int y = 0; y < height; ++y)
        for (int w = 0; w < page.words; ++w) page.row(y)[w] = ~std::uint64_t{0} >> std::max(64 * (w + 1) - width, 0);
    return page;
}

BitMask without(BitMask mask, const BitMask &other) {
    for (std::size_t k = 0; k < mask.bits.size(); ++k) mask.bits[k] &= ~other.bits[k];
    return mask;
}

}  // namespace

WeightParts weight_parts(const BitMask &truth, const metrics::Kernels &kernels, int threads) {
    const int height = truth.height, width = truth.width;
    const BitMask contour = contour_of(truth);
    const ByteMap to_contour = chessboard(contour, kernels);
    auto paper_started = std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] { return PaperSide(truth, to_contour, kernels); });
    InkSide ink(truth, contour, to_contour, kernels);
    PageArray<std::uint16_t> depth_scale(static_cast<std::size_t>(height) * width);
    ink.normalise([&](int y, const std::uint16_t *scale) {
        std::copy(scale, scale + width, depth_scale.data() + static_cast<std::size_t>(y) * width);
    });
    PaperSide paper = paper_started.get();
    const BitMask wanted = without(page_of(height, width), truth);
    paper.finish(ink, wanted, threads);
    ByteMap gap(height, width), gap_scale(height, width);
    for_each_set(wanted, [&](int y, int x) {
        gap.row(y)[x] = static_cast<std::uint8_t>(paper.gap(y, x));
        gap_scale.row(y)[x] = static_cast<std::uint8_t>(paper.scale(y, x));
    });
    return {std::move(ink.depth), std::move(depth_scale), std::move(gap), std::move(gap_scale), std::move(ink.skeleton)};
}

// The truth's ink has all its weights, for the sums run over all of it. The paper has those of the false ink only: without false ink nothing is done there.
std::array<std::int64_t, 6> pseudo_counts(const BitMask &prediction, const BitMask &truth, const metrics::Kernels &kernels, int threads) {
    std::array<std::int64_t, 6> sums{};
    auto &[recall_found, recall_all, precision_right, precision_all, skeleton_found, skeleton_all] = sums;
    const BitMask contour = contour_of(truth), wanted = without(prediction, truth);
    const bool any_false = std::any_of(wanted.bits.begin(), wanted.bits.end(), [](std::uint64_t word) { return word != 0; });
    const ByteMap to_contour = chessboard(contour, kernels);
    std::future<PaperSide> paper_started;
    if (any_false)
        paper_started = std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] { return PaperSide(truth, to_contour, kernels); });
    InkSide ink(truth, contour, to_contour, kernels);
    ink.normalise([&](int y, const std::uint16_t *scale) {
        const std::uint64_t *p = prediction.row(y), *t = truth.row(y), *s = ink.skeleton.row(y);
        const std::uint8_t *depth = ink.depth.row(y);
        for (int w = 0; w < truth.words; ++w) {
            skeleton_found += std::popcount(s[w] & p[w]);
            skeleton_all += std::popcount(s[w]);
            precision_right += weight_one * std::popcount(p[w] & t[w]);
            precision_all += weight_one * std::popcount(p[w]);
            for (std::uint64_t word = t[w]; word != 0; word &= word - 1) {
                const int x = 64 * w + std::countr_zero(word);
                if (scale[x] == 0) continue;
                const std::int64_t weight = depth[x] * weight_one / scale[x];
                recall_all += weight;
                if (p[w] & word & -word) recall_found += weight;
            }
        }
    });
    if (any_false) {
        PaperSide paper = paper_started.get();
        paper.finish(ink, wanted, threads);
        for_each_set(wanted, [&](int y, int x) {
            if (const int scale = paper.scale(y, x)) precision_all += std::min(paper.gap(y, x) * weight_one / scale, 2 * weight_one);
        });
    }
    return sums;
}

}  // namespace docbin
