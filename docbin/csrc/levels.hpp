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

// Declares the tables `scalar_NAME`, `avx2_NAME`, ... of the namespace it stands in, one for each level of this build, and NAME(level), which picks one.
#if defined(DOCBIN_X86)
#define DOCBIN_UNITS(Table, name)                                                                                              \
    extern const Table scalar_##name, avx2_##name, avx512_##name;                                                              \
    inline const Table &name(Level level) { return level == Level::avx512 ? avx512_##name : level == Level::avx2 ? avx2_##name : scalar_##name; }
#elif defined(DOCBIN_NEON)
#define DOCBIN_UNITS(Table, name)                 \
    extern const Table scalar_##name, neon_##name; \
    inline const Table &name(Level level) { return level == Level::neon ? neon_##name : scalar_##name; }
#else
#define DOCBIN_UNITS(Table, name)     \
    extern const Table scalar_##name; \
    inline const Table &name(Level) { return scalar_##name; }
#endif

// Parses a level name that Python has already validated; throws std::invalid_argument for an unknown or unavailable one.
Level parse_level(const std::string &name);

}  // namespace docbin
