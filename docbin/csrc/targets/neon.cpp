// NEON, part of aarch64.
#define DOCBIN_COUNTS_BY "cnt"
#include "isa/neon.hpp"
#include "targets/bodies.hpp"

namespace docbin {
extern const Target neon_target;
constinit const Target neon_target = tables("neon");
}  // namespace docbin
