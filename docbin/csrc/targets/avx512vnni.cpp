// AVX-512 with VNNI: the edge step alone, the one family that multiplies bytes.
#include "isa/avx512vnni.hpp"

#include "engine/edge_body.hpp"

namespace docbin::edge {
extern const Kernels avx512vnni_kernels;
constinit const Kernels avx512vnni_kernels = table;
}  // namespace docbin::edge
