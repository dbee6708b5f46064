// AVX-512: F, BW, DQ and VL, which every CPU with AVX-512 for servers and desktops has.
#define DOCBIN_COUNTS_BY "vpshufb"
#include "isa/avx512.hpp"
#include "targets/bodies.hpp"

namespace docbin {
extern const Target avx512_target;
constinit const Target avx512_target = tables("avx512");
}  // namespace docbin
