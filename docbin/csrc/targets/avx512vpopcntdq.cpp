// AVX-512 with VPOPCNTDQ: the limit of population counts alone; bit-sliced convolution counts no bits.
#define DOCBIN_COUNTS_BY "vpopcntdq"
#include "isa/avx512vpopcntdq.hpp"

#include "popcount/popcount_body.hpp"

namespace docbin::popcount {
extern const Kernels avx512vpopcntdq_kernels;
constinit const Kernels avx512vpopcntdq_kernels = table;
}  // namespace docbin::popcount
