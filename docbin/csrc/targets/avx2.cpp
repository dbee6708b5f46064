// AVX2 (with BMI, BMI2 and POPCNT).
#define DOCBIN_COUNTS_BY "vpshufb"
#include "isa/avx2.hpp"
#include "targets/bodies.hpp"

namespace docbin {
extern const Target avx2_target;
constinit const Target avx2_target = tables("avx2");
}  // namespace docbin
