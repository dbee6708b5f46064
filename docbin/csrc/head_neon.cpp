#include "head_body.hpp"

namespace docbin::head {
extern const Kernels neon_kernels{logits, lay_out, ink};
}
