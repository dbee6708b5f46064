// Runs every unit of the binary convolution and of the stem that this machine has over odd shapes, compares each with the scalar unit byte by byte,
// and prints one hash of all scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if units disagree.
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "bits.hpp"
#include "levels.hpp"
#include "stem.hpp"

using namespace docbin;

namespace {

std::uint64_t state = 88172645463325252u;

std::uint64_t random_word() {  // xorshift64
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

Block<std::uint64_t> words(std::size_t count) {
    Block<std::uint64_t> block(count);
    for (std::size_t i = 0; i < count; ++i) block.at[i] = random_word();
    return block;
}

std::uint64_t hash = 1469598103934665603u;

template <class T>
void mix(const Block<T> &block) {
    const auto *p = reinterpret_cast<const unsigned char *>(block.at.get());
    for (std::size_t i = 0; i < block.count * sizeof(T); ++i) hash = (hash ^ p[i]) * 1099511628211u;
}

int failures = 0, cases = 0;
constexpr Level levels[] = {Level::scalar, Level::avx2, Level::avx512, Level::neon};

void convolve(bits::Shape s, bool masked) {
    const std::size_t filters = static_cast<std::size_t>(s.outs) * s.taps();
    const auto map = words(static_cast<std::size_t>(s.words_in) * s.height * s.width), weights = words(filters), masks = words(filters);
    const std::uint64_t *mask = masked ? masks.at.get() : nullptr;
    Block<std::int32_t> limit(static_cast<std::size_t>(s.fan) * s.outs), total(s.outs);
    for (std::size_t i = 0; i < limit.count; ++i) {  // around the half, with never and always among them
        const int half = 64 * s.taps() / (masked ? 4 : 2), most = 64 * s.taps();
        limit.at[i] = i % 11 == 3 ? -1 : i % 11 == 7 ? most : half - 8 + static_cast<int>(random_word() % 16);
    }
    for (int o = 0; o < s.outs; ++o) total.at[o] = 64 * s.taps();
    const std::size_t area = static_cast<std::size_t>(s.out_height()) * s.out_width();
    const auto run = [&](Level level, int threads) {
        s.threads = threads;
        std::pair<Block<std::uint64_t>, Block<std::int16_t>> out(Block<std::uint64_t>(s.fan * ((s.outs + 63) / 64) * area), Block<std::int16_t>(s.outs * area));
        bits::conv_bits(level, s, map.at.get(), weights.at.get(), mask, limit.at.get(), out.first.at.get());
        if (64 * s.taps() <= 32767) bits::conv_dots(level, s, map.at.get(), weights.at.get(), mask, total.at.get(), out.second.at.get());
        return out;
    };
    const auto expected = run(Level::scalar, 1);
    mix(expected.first), mix(expected.second);
    ++cases;
    for (Level level : levels)
        for (int threads : {1, 3}) {
            if (!available(level)) continue;
            const auto got = run(level, threads);
            if (got.first.equals(expected.first) && got.second.equals(expected.second)) continue;
            std::printf("%s differs: %d words, %d x %d, %d channels, kernel %d x %d, stride %d, dilation %d, pad %d, groups %d, fan %d, mask %d, threads %d\n",
                        name(level), s.words_in, s.height, s.width, s.outs, s.kernel_h, s.kernel_w, s.stride, s.dilation, s.pad, s.groups, s.fan, masked, threads);
            ++failures;
        }
}

void encode(int cells_high, int cells_wide, const std::vector<std::int32_t> &windows, int thetas, int greys, int kind) {
    Block<std::uint8_t> page(4 * static_cast<std::size_t>(cells_high) * cells_wide);
    for (std::size_t i = 0; i < page.count; ++i)
        page.at[i] = static_cast<std::uint8_t>(kind == 0 ? random_word() >> 56 : kind == 1 ? 255 : 190 + (random_word() >> 60));
    Block<float> theta(windows.size() * thetas), grey(greys);
    for (std::size_t i = 0; i < theta.count; ++i) theta.at[i] = -2.0f + 0.17f * static_cast<float>(i % 19);
    for (int i = 0; i < greys; ++i) grey.at[i] = 300.0f * static_cast<float>(i) / static_cast<float>(greys) - 20.0f;
    const int words_out = 4 * (static_cast<int>(windows.size()) * thetas + greys) / 64;
    const int regions[][4] = {{0, 0, cells_high, cells_wide}, {cells_high / 2, cells_wide / 3, cells_high - cells_high / 2, cells_wide - cells_wide / 3}};
    for (const auto &region : regions) {
        const auto run = [&](stem::Run unit) {
            Block<std::uint64_t> out(static_cast<std::size_t>(words_out) * region[2] * region[3]);
            unit(stem::Job{page.at.get(), cells_high, cells_wide, region[0], region[1], region[2], region[3], windows.data(), static_cast<int>(windows.size()),
                           theta.at.get(), thetas, grey.at.get(), greys, 7.65f, out.at.get()});
            return out;
        };
        const auto expected = run(stem::runner(Level::scalar));
        mix(expected);
        ++cases;
        for (Level level : levels) {
            if (!available(level) || run(stem::runner(level)).equals(expected)) continue;
            std::printf("%s differs: stem, %d x %d cells, region %d, kind %d\n", name(level), cells_high, cells_wide, region[0] != 0, kind);
            ++failures;
        }
    }
}

}  // namespace

int main() {
    // words in, height, width, channels out, kernel, stride, dilation, padding, groups, fan
    const int shapes[][10] = {
        {1, 1, 1, 1, 1, 1, 1, 0, 1, 1},    {1, 3, 3, 64, 3, 1, 1, 1, 1, 2},   {1, 5, 7, 63, 3, 1, 1, 1, 1, 1},    {1, 9, 33, 65, 3, 1, 1, 1, 1, 3},
        {2, 7, 31, 100, 3, 2, 1, 1, 1, 1}, {2, 11, 17, 128, 3, 1, 2, 2, 2, 2}, {3, 8, 40, 7, 3, 3, 1, 0, 1, 1},    {4, 5, 9, 256, 3, 1, 1, 1, 4, 1},
        {11, 5, 12, 64, 3, 1, 1, 1, 1, 2}, {1, 4, 70, 64, 1, 1, 1, 0, 1, 1},   {2, 4, 19, 64, 1, 2, 1, 0, 1, 1},   {1, 6, 13, 64, 5, 1, 1, 2, 1, 1},
        {2, 16, 65, 64, 3, 1, 1, 1, 1, 1}, {1, 20, 257, 64, 3, 1, 3, 3, 1, 2}, {57, 3, 4, 64, 3, 1, 1, 1, 1, 1},
    };
    for (const auto &n : shapes)
        for (bool masked : {false, true})
            for (bool pad_bit : {false, true})
                convolve(bits::Shape{n[0], n[1], n[2], n[3], n[4], n[4], n[5], n[6], n[7], n[8], pad_bit, n[9], 1}, masked);
    for (int kind = 0; kind < 3; ++kind) {
        encode(1, 1, {1}, 8, 8, kind);
        encode(3, 37, {1, 89}, 7, 2, kind);
        encode(31, 16, {5, 13, 31}, 9, 5, kind);
        encode(90, 95, {89}, 15, 1, kind);
        encode(17, 130, {3, 7}, 16, 0, kind);
    }
    std::printf("%d cases, hash %016llx, levels", cases, static_cast<unsigned long long>(hash));
    for (const auto &level : available_levels()) std::printf(" %s", level.c_str());
    std::printf("\n");
    return failures != 0;
}
