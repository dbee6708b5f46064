// AVX-512 with VNNI: the families that multiply bytes or pairs of 16-bit numbers, and no others.
#include "isa/avx512vnni.hpp"

#include "engine/edge_body.hpp"
#include "fixed/fixed_point_body.hpp"

namespace docbin::edge {
extern const Kernels avx512vnni_kernels;
constinit const Kernels avx512vnni_kernels = table;
}  // namespace docbin::edge
namespace docbin::fixed {
extern const Kernels avx512vnni_kernels;
constinit const Kernels avx512vnni_kernels = table;
}  // namespace docbin::fixed
