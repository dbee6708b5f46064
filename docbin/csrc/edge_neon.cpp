#include "edge_plain.hpp"

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels neon_kernels{sums, hidden, logits, tell, join, widen};
}
