#include "levels.hpp"

#include <stdexcept>

namespace docbin {

bool available(Level level) {
    switch (level) {
        case Level::scalar:
            return true;
#if defined(DOCBIN_X86) && !defined(_MSC_VER)
        case Level::avx2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                   __builtin_cpu_supports("popcnt");
        case Level::avx512:
            return available(Level::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512bitalg") &&
                   __builtin_cpu_supports("avx512vnni");
#endif
#if defined(DOCBIN_NEON)
        case Level::neon:
            return true;  // part of the aarch64 baseline
#endif
        default:
            return false;
    }
}

const char *name(Level level) {
    switch (level) {
        case Level::avx2: return "avx2";
        case Level::avx512: return "avx512";
        case Level::neon: return "neon";
        default: return "scalar";
    }
}

std::vector<std::string> available_levels() {
    std::vector<std::string> names;
    for (Level level : {Level::scalar, Level::avx2, Level::avx512, Level::neon})
        if (available(level)) names.emplace_back(name(level));
    return names;
}

Level parse_level(const std::string &text) {
    for (Level level : {Level::scalar, Level::avx2, Level::avx512, Level::neon})
        if (text == name(level) && available(level)) return level;
    throw std::invalid_argument("kernel level '" + text + "' is not available here");
}

}  // namespace docbin
