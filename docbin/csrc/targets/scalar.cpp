// The baseline CPU.
#define DOCBIN_CLONE_POPCNT 1
#define DOCBIN_COUNTS_BY "popcnt"
#include "isa/scalar.hpp"
#include "targets/bodies.hpp"

namespace docbin {
extern const Target scalar_target;
constinit const Target scalar_target = tables("scalar");
}  // namespace docbin
