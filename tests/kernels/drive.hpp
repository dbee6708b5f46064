// What the native drivers share: random words, blocks of memory exactly as large as what they hold, one hash of all results.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "levels.hpp"

namespace drive {

inline std::uint64_t state = 88172645463325252u;

inline std::uint64_t random_word() {  // xorshift64
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

// Exactly as large as its contents: an access past the end is the sanitizer's to see.
template <class T>
struct Block {
    std::unique_ptr<T[]> at;
    std::size_t count;
    explicit Block(std::size_t n) : at(new T[n]), count(n) { std::memset(at.get(), 0xa5, n * sizeof(T)); }
    bool equals(const Block &other) const { return count == other.count && !std::memcmp(at.get(), other.at.get(), count * sizeof(T)); }
};

inline Block<std::uint64_t> words(std::size_t count) {
    Block<std::uint64_t> block(count);
    for (std::size_t i = 0; i < count; ++i) block.at[i] = random_word();
    return block;
}

inline std::uint64_t hash = 1469598103934665603u;

template <class T>
void mix(const Block<T> &block) {
    const auto *p = reinterpret_cast<const unsigned char *>(block.at.get());
    for (std::size_t i = 0; i < block.count * sizeof(T); ++i) hash = (hash ^ p[i]) * 1099511628211u;
}

inline int failures = 0, cases = 0;

inline int finish() {
    std::printf("%d cases, hash %016llx, levels", cases, static_cast<unsigned long long>(hash));
    for (const auto &level : docbin::available_levels()) std::printf(" %s", level.c_str());
    std::printf("\n");
    return failures != 0;
}

}  // namespace drive
