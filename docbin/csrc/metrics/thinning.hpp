// Skeleton of a mask: Zhang-Suen thinning (CACM 27(3), 1984), then a sequential clean-up of simple points.
#pragma once
#include "metrics/counts.hpp"
#include "metrics/metrics_rows.hpp"

namespace docbin {

// Thins in place until nothing changes; outside the page is off.
void thin(BitMask &mask, const metrics::Kernels &);

}  // namespace docbin
