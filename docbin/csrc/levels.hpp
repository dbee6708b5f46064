// The instruction-set levels and the one place that asks the CPU which of them it has.
#pragma once
#include <string>
#include <vector>

namespace docbin {

// In rising order of preference; a level is "available" when this build holds its units and the CPU can run them.
enum class Level : int { scalar = 0, avx2 = 1, avx512 = 2, neon = 3 };

bool available(Level level);
const char *name(Level level);
std::vector<std::string> available_levels();

// Parses a level name that Python has already validated; throws std::invalid_argument for an unknown or unavailable one.
Level parse_level(const std::string &name);

}  // namespace docbin
