#include "pixels_body.hpp"

namespace docbin::pixels {
extern const Kernels neon_kernels{narrow, wide};
}
