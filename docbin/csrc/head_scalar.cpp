#include "head_body.hpp"

namespace docbin::head {
extern const Kernels scalar_kernels{logits, lay_out, ink};
}
