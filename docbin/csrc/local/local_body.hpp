// The local thresholds of the target that includes this.
#pragma once
#include "local/local_extreme.hpp"
#include "local/local_rows.hpp"

namespace docbin::local {
namespace {

constexpr Kernels table{threshold_band<isa::Lanes>, moments_band<isa::Lanes>, spread_band<isa::Lanes>, extreme_band, bernsen_band};

}  // namespace
}  // namespace docbin::local
