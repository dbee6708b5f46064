#include "edge_plain.hpp"

#include "edge_body.hpp"

namespace docbin::edge {
extern const Kernels scalar_kernels{sums, hidden, logits, tell, join, widen};
}
