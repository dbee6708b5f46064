#include "pixels_body.hpp"

namespace docbin::pixels {
extern const Kernels avx2_kernels{narrow, wide};
}
