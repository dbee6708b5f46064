#include "head_body.hpp"

namespace docbin::head {
extern const Kernels avx512_kernels{logits, lay_out, ink};
}
