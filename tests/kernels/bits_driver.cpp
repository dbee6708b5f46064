// Runs every unit of the binary convolution on channel words that this machine has over odd shapes, compares each with the scalar unit byte by byte,
// and prints one hash of all scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if units disagree.
#include <utility>

#include "bits.hpp"
#include "drive.hpp"

using namespace docbin;
using namespace drive;

namespace {

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
    return finish();
}
