// Convolutions of 16-bit numbers over odd shapes at every level, from and to memory exactly as long as their numbers, and the shrunk page that they begin with.
#include "fixed/fixed_point.hpp"

#include <cmath>
#include <vector>

#include "drive.hpp"
#include "fixed/shrunk.hpp"

using namespace docbin;
using namespace drive;

namespace {

Block<std::int16_t> numbers(std::size_t count, int within) {
    Block<std::int16_t> made(count);
    for (std::size_t i = 0; i < count; ++i) made.at[i] = static_cast<std::int16_t>(static_cast<int>(random_word() >> 20 & 0xffff) % (2 * within + 1) - within);
    return made;
}

Block<float> floats(std::size_t count, float unit) {
    Block<float> made(count);
    for (std::size_t i = 0; i < count; ++i) made.at[i] = unit * static_cast<float>(static_cast<int>(random_word() >> 20 & 0xfff) - 2048);
    return made;
}

// Calls run(level, threads, out) for every level and two numbers of threads, compares all with the scalar level's and mixes that.
template <class Run> void compare(std::size_t count, Run run) {
    Block<std::int16_t> want(count);
    run(Level::scalar, 1, want.at.get());
    for (const Level level : all_levels)
        for (const int threads : {1, 3}) {
            if (!available(level)) continue;
            Block<std::int16_t> out(count);
            run(level, threads, out.at.get());
            failures += !out.equals(want);
        }
    mix(want);
    ++cases;
}

void layers(int ins, int outs, std::int64_t n) {
    const auto in = numbers(static_cast<std::size_t>(n * ins), 20000), beside = numbers(static_cast<std::size_t>(n * outs), 20000);
    const auto weights = numbers(static_cast<std::size_t>(ins * outs), 127);
    const auto factor = floats(static_cast<std::size_t>(outs), 1e-6f), offset = floats(static_cast<std::size_t>(outs), 1.0f);
    for (const float low : {-32768.0f, 0.0f}) {
        const fixed::Rescale by{factor.at.get(), offset.at.get(), low, 32767.0f};
        for (const std::int16_t *residual : {static_cast<const std::int16_t *>(nullptr), static_cast<const std::int16_t *>(beside.at.get())})
            compare(static_cast<std::size_t>(n * outs), [&](Level level, int threads, std::int16_t *out) {
                fixed::pointwise(level, in.at.get(), residual, weights.at.get(), by, ins, outs, n, out, threads);
            });
    }
}

void depths(int channels, int side, int stride, std::int64_t high, std::int64_t wide) {
    const auto in = numbers(static_cast<std::size_t>(high * wide * channels), 20000);
    const int pairs = (side * side + 1) / 2;
    auto weights = numbers(static_cast<std::size_t>(pairs * channels * 2), 127);
    if (side % 2)  // the last tap has no second
        for (int c = 0; c < channels; ++c) weights.at[((pairs - 1) * channels + c) * 2 + 1] = 0;
    const auto factor = floats(static_cast<std::size_t>(channels), 1e-6f), offset = floats(static_cast<std::size_t>(channels), 1.0f);
    const fixed::Rescale by{factor.at.get(), offset.at.get(), -32768.0f, 32767.0f};
    const std::int64_t rows = (high + stride - 1) / stride, columns = (wide + stride - 1) / stride;
    for (const int before : {0, side / 2})
        compare(static_cast<std::size_t>(rows * columns * channels), [&](Level level, int threads, std::int16_t *out) {
            fixed::depthwise(level, in.at.get(), {high, wide, channels}, weights.at.get(), by, side, stride, before, rows, columns, out, threads);
        });
}

void small(int channels, std::int64_t height, std::int64_t width) {
    Block<std::uint8_t> page(static_cast<std::size_t>(height * width * channels)), grey(static_cast<std::size_t>(height * width));
    for (std::size_t i = 0; i < page.count; ++i) page.at[i] = static_cast<std::uint8_t>(random_word() >> 20);
    for (std::size_t i = 0; i < grey.count; ++i) grey.at[i] = static_cast<std::uint8_t>(random_word() >> 20);
    const std::int64_t high = (height + 63) / 64 * 16, wide = (width + 63) / 64 * 16;
    compare(static_cast<std::size_t>(4 * high * wide), [&](Level, int threads, std::int16_t *out) {
        fixed::shrunk({page.at.get(), grey.at.get(), channels, height, width}, high, wide, out, threads);
    });
}

}  // namespace

int main() {
    for (const int ins : {2, 6, 36})
        for (const int outs : {8, 16, 24, 32, 40})
            for (const std::int64_t n : {1, 3, 4, 67, 600}) layers(ins, outs, n);
    for (const int channels : {8, 24})
        for (const int side : {1, 2, 3, 5, 7})
            for (const int stride : {1, 2})
                for (const std::int64_t wide : {1, 2, 9, 20}) depths(channels, side, stride, wide == 20 ? 40 : wide, wide);
    for (const int channels : {1, 3})
        for (const std::int64_t width : {1, 4, 5, 63, 130})
            for (const std::int64_t height : {1, 4, 66, 140}) small(channels, height, width);
    return finish();
}
