#include "metrics/weights.hpp"

#include <future>

#include "metrics/sides.hpp"

namespace docbin {

namespace {

constexpr std::int64_t weight_one = std::int64_t{1} << 30;

}  // namespace

WeightParts weight_parts(const BitMask &truth, int threads) {
    const BitMask contour = contour_of(truth);
    const ByteMap to_contour = chessboard(contour);
    auto paper_started = std::async(threads > 1 ? std::launch::async : std::launch::deferred, [&] { return PaperSide(truth, to_contour); });
    InkSide ink(truth, contour, to_contour);
    PaperSide paper = paper_started.get();
    paper.finish(ink, threads);
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
