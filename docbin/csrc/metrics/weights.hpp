// Pseudo-recall and pseudo-precision weights (Ntirogiannis, Gatos, Pratikakis, IEEE TIP 22(2), 2013) as ratios of small integers.
//
// What is computed is told in docbin/kernels/reference_weights.py, the slow twin; names and numbered points agree. How it is fast:
// masks are bits, thinning is Boolean algebra on words, nearest skeleton pixels are found by looking at bit windows, and the half gaps of the paper are
// worked out only where two components come near each other, which is the only place that uses them.
#pragma once
#include <array>
#include <cstdint>

#include "metrics/components.hpp"

namespace docbin {

struct WeightParts {
    // Recall weight depth / depth_scale on ink, precision weight min(gap / gap_scale, 2) on paper; where a scale is 0 the weight is 0.
    ByteMap depth;
    PageArray<std::uint16_t> depth_scale;  // (H, W) without a frame
    ByteMap gap;
    ByteMap gap_scale;
    BitMask skeleton;
};

WeightParts weight_parts(const BitMask &truth, const metrics::Kernels &, int threads);

// Recall weight found and in all, precision weight right and in all (in units of 2^-30), skeleton pixels found and in all.
std::array<std::int64_t, 6> pseudo_counts(const BitMask &prediction, const BitMask &truth, const metrics::Kernels &, int threads);

}  // namespace docbin
