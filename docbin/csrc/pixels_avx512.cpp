#include "pixels_body.hpp"

namespace docbin::pixels {
extern const Kernels avx512_kernels{narrow, wide};
}
