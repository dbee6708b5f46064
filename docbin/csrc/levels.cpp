#include "levels.hpp"

#include <stdexcept>

#include "target.hpp"

namespace docbin {

extern const Target scalar_target;
#if defined(DOCBIN_X86)
extern const Target avx2_target, avx512_target;
namespace edge {
extern const Kernels avx512vnni_kernels;
}
namespace fixed {
extern const Kernels avx512vnni_kernels;
}
namespace popcount {
extern const Kernels avx512vpopcntdq_kernels;
}
#elif defined(DOCBIN_NEON)
extern const Target neon_target;
#endif

namespace {

#if defined(DOCBIN_X86) && !defined(_MSC_VER)
#define DOCBIN_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#else
#define DOCBIN_CPU_HAS(feature) false
#endif

Target assembled(Level level) {
    switch (level) {
#if defined(DOCBIN_X86)
        case Level::avx2:
            return avx2_target;
        case Level::avx512:
        case Level::avx512vnni: {
            Target all = avx512_target;
            if (level == Level::avx512vnni) all.name = "avx512vnni", all.edge = edge::avx512vnni_kernels, all.fixed = fixed::avx512vnni_kernels;
            if (DOCBIN_CPU_HAS("avx512vpopcntdq")) all.popcount = popcount::avx512vpopcntdq_kernels;
            return all;
        }
#elif defined(DOCBIN_NEON)
        case Level::neon:
            return neon_target;
#endif
        default:
            return scalar_target;
    }
}

thread_local const char *last = "none";

}  // namespace

bool available(Level level) {
    switch (level) {
        case Level::scalar:
            return true;
        case Level::avx2:
            return DOCBIN_CPU_HAS("avx2") && DOCBIN_CPU_HAS("bmi") && DOCBIN_CPU_HAS("bmi2") && DOCBIN_CPU_HAS("popcnt");
        case Level::avx512:
            return available(Level::avx2) && DOCBIN_CPU_HAS("avx512f") && DOCBIN_CPU_HAS("avx512bw") && DOCBIN_CPU_HAS("avx512dq") &&
                   DOCBIN_CPU_HAS("avx512vl");
        case Level::avx512vnni:
            return available(Level::avx512) && DOCBIN_CPU_HAS("avx512vnni");
        case Level::neon:
#if defined(DOCBIN_NEON)
            return true;
#else
            return false;
#endif
    }
    return false;
}

const char *name(Level level) {
    switch (level) {
        case Level::avx2: return "avx2";
        case Level::avx512: return "avx512";
        case Level::avx512vnni: return "avx512vnni";
        case Level::neon: return "neon";
        default: return "scalar";
    }
}

std::vector<std::string> available_levels() {
    std::vector<std::string> names;
    for (const Level level : all_levels)
        if (available(level)) names.emplace_back(name(level));
    return names;
}

Level parse_level(const std::string &text) {
    for (const Level level : all_levels)
        if (text == name(level) && available(level)) return level;
    throw std::invalid_argument("kernel level '" + text + "' is not available here");
}

const Target &target(Level level) {
    static const Target tables[] = {assembled(Level::scalar), assembled(Level::avx2), assembled(Level::avx512), assembled(Level::avx512vnni),
                                    assembled(Level::neon)};
    const Target &chosen = tables[static_cast<int>(level)];
    last = chosen.name;
    return chosen;
}

const char *last_target() { return last; }

}  // namespace docbin
