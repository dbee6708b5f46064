// The instruction-set levels, and which of them this CPU has.
#pragma once
#include <string>
#include <vector>

namespace docbin {

// In rising order of preference. A level is available when this build holds its target and the CPU has the instructions:
//   avx2        AVX2, BMI, BMI2, POPCNT
//   avx512      besides AVX-512 F, BW, DQ, VL
//   avx512vnni  besides AVX-512 VNNI
//   neon        part of aarch64
enum class Level : int { scalar = 0, avx2 = 1, avx512 = 2, avx512vnni = 3, neon = 4 };
inline constexpr Level all_levels[] = {Level::scalar, Level::avx2, Level::avx512, Level::avx512vnni, Level::neon};

bool available(Level level);
const char *name(Level level);
std::vector<std::string> available_levels();

// The level of a name; throws std::invalid_argument for an unknown or unavailable one.
Level parse_level(const std::string &name);

}  // namespace docbin
