#include "pixels_body.hpp"

namespace docbin::pixels {
extern const Kernels scalar_kernels{narrow, wide};
}
