// Runs every unit of the binary convolution on channel words, its epilogues and the first layer on pixels that this machine has over odd shapes, compares each with the scalar unit byte by byte,
// and prints one hash of all scalar results, so that two machines can be compared too. Exit code 1 and a line a difference if units disagree.
#include "bits.hpp"
#include "drive.hpp"
#include "pixels.hpp"

using namespace docbin;
using namespace drive;

namespace {

struct Results {
    Block<std::uint64_t> bits;
    Block<std::int16_t> dots, fixed;
    Block<float> affine;
    Block<std::uint64_t> affine_signs, fixed_signs;
    Results(std::size_t words, std::size_t values, std::size_t signs) : bits(words), dots(values), fixed(values), affine(values), affine_signs(signs), fixed_signs(signs) {}
    bool equals(const Results &o) const {
        return bits.equals(o.bits) && dots.equals(o.dots) && fixed.equals(o.fixed) && affine.equals(o.affine) && affine_signs.equals(o.affine_signs) &&
               fixed_signs.equals(o.fixed_signs);
    }
};

int random_between(int low, int high) { return low + static_cast<int>(random_word() % static_cast<std::uint64_t>(high - low + 1)); }

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
    Block<bits::Affine> affine(s.outs);
    Block<bits::Fixed> fixed(s.outs);
    for (int o = 0; o < s.outs; ++o) {
        const auto number = [] { return static_cast<float>(random_between(-999, 999)) / 7.0f; };
        affine.at[o] = {number(), number(), number(), number()};
        fixed.at[o] = {random_between(-32768, 32767), random_between(0, 30), random_between(-(1 << 29), 1 << 29) >> random_between(0, 30),
                       random_between(-32768, 32767), random_between(0, 30), random_between(-32768, 32767)};
    }
    Block<float> residual(s.outs * area);
    Block<std::int16_t> residual16(s.outs * area);
    for (std::size_t i = 0; i < residual.count; ++i) residual.at[i] = static_cast<float>(residual16.at[i] = static_cast<std::int16_t>(random_word())) / 3.0f;
    const auto where = static_cast<bits::Residual>(cases % 3);
    const auto run = [&](Level level, int threads) {
        s.threads = threads;
        const std::size_t planes = (s.outs + 63) / 64;
        Results out(s.fan * planes * area, s.outs * area, planes * area);
        bits::conv_bits(level, s, map.at.get(), weights.at.get(), mask, limit.at.get(), out.bits.at.get());
        if (64 * s.taps() > 32767) return out;
        bits::conv_dots(level, s, map.at.get(), weights.at.get(), mask, total.at.get(), out.dots.at.get());
        const bool none = where == bits::Residual::none;
        bits::conv_affine(level, s, map.at.get(), weights.at.get(), mask, total.at.get(), affine.at.get(), where, none ? nullptr : residual.at.get(),
                          out.affine.at.get(), out.affine_signs.at.get());
        bits::conv_fixed(level, s, map.at.get(), weights.at.get(), mask, total.at.get(), fixed.at.get(), where, none ? nullptr : residual16.at.get(),
                         out.fixed.at.get(), out.fixed_signs.at.get());
        return out;
    };
    const auto expected = run(Level::scalar, 1);
    mix(expected.bits), mix(expected.dots), mix(expected.affine), mix(expected.affine_signs), mix(expected.fixed), mix(expected.fixed_signs);
    ++cases;
    for (Level level : levels)
        for (int threads : {1, 3}) {
            if (!available(level)) continue;
            if (run(level, threads).equals(expected)) continue;
            std::printf("%s differs: %d words, %d x %d, %d channels, kernel %d x %d, stride %d, dilation %d, pad %d, groups %d, fan %d, mask %d, threads %d\n",
                        name(level), s.words_in, s.height, s.width, s.outs, s.kernel_h, s.kernel_w, s.stride, s.dilation, s.pad, s.groups, s.fan, masked, threads);
            ++failures;
        }
}

void read_pixels(pixels::Shape s, int most) {
    Block<std::uint8_t> picture(static_cast<std::size_t>(s.planes) * s.height * s.width);
    Block<std::int8_t> weights(static_cast<std::size_t>(s.outs) * s.taps());
    Block<std::int32_t> threshold(static_cast<std::size_t>(s.fan) * s.outs);
    for (std::size_t i = 0; i < picture.count; ++i) picture.at[i] = static_cast<std::uint8_t>(random_word());
    for (std::size_t i = 0; i < weights.count; ++i) weights.at[i] = static_cast<std::int8_t>(random_between(-most, most - (most > 1)));
    for (std::size_t i = 0; i < threshold.count; ++i) threshold.at[i] = i % 7 == 3 ? 1 << 30 : i % 7 == 5 ? -(1 << 30) : random_between(-300 * most, 300 * most);
    const auto run = [&](Level level, int threads) {
        s.threads = threads;
        Block<std::uint64_t> out(static_cast<std::size_t>(s.fan) * ((s.outs + 63) / 64) * s.out_height() * s.out_width());
        pixels::conv(level, s, picture.at.get(), weights.at.get(), threshold.at.get(), out.at.get());
        return out;
    };
    const auto expected = run(Level::scalar, 1);
    mix(expected);
    ++cases;
    for (Level level : levels)
        for (int threads : {1, 3}) {
            if (!available(level) || run(level, threads).equals(expected)) continue;
            std::printf("%s differs: %d planes, %d x %d, %d channels, kernel %d, stride %d, dilation %d, pad %d, fan %d, weights to %d, threads %d\n", name(level),
                        s.planes, s.height, s.width, s.outs, s.kernel_h, s.stride, s.dilation, s.pad, s.fan, most, threads);
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
    // planes, height, width, channels out, kernel, stride, dilation, padding, fan
    const int pictures[][9] = {
        {1, 1, 1, 1, 1, 1, 1, 0, 1},   {1, 5, 65, 64, 3, 1, 1, 1, 9},  {3, 7, 31, 65, 3, 2, 1, 1, 2}, {4, 6, 129, 63, 3, 1, 2, 2, 1},
        {1, 9, 64, 130, 7, 3, 1, 3, 3}, {3, 8, 40, 16, 7, 2, 1, 3, 1},
    };
    for (const auto &n : pictures)
        for (int most : {1, 128}) read_pixels(pixels::Shape{n[0], n[1], n[2], n[3], n[4], n[4], n[5], n[6], n[7], 200, n[8], 1}, most);
    return finish();
}
