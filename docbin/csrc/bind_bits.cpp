// Python's view of the bit kernels. Shapes are checked once more here, because a wrong one would read outside an array.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "bits.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

using Words3 = nb::ndarray<const std::uint64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Words4 = nb::ndarray<const std::uint64_t, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Ints = nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;  // [fan][channels]
using WordsOut = nb::ndarray<std::uint64_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using DotsOut = nb::ndarray<std::int16_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

bits::Shape checked(const Words3 &map, const Words4 &weights, const std::optional<Words4> &masks, const Ints &per_channel, int stride, int dilation,
                    int pad, int groups, bool pad_bit, int threads) {
    bits::Shape s{static_cast<int>(map.shape(0)), static_cast<int>(map.shape(1)), static_cast<int>(map.shape(2)),
                  static_cast<int>(weights.shape(0)), static_cast<int>(weights.shape(2)), static_cast<int>(weights.shape(3)),
                  stride, dilation, pad, groups, pad_bit, static_cast<int>(per_channel.shape(0)), threads};
    const bool good = stride >= 1 && dilation >= 1 && pad >= 0 && groups >= 1 && s.words_in > 0 && s.outs > 0 && s.kernel_h > 0 && s.kernel_w > 0 &&
                      s.words_in % groups == 0 && s.outs % groups == 0 && (groups == 1 || s.outs / groups % 64 == 0) &&
                      static_cast<int>(weights.shape(1)) == s.words_in / groups && s.fan >= 1 && static_cast<int>(per_channel.shape(1)) == s.outs &&
                      s.height + 2 * pad > dilation * (s.kernel_h - 1) && s.width + 2 * pad > dilation * (s.kernel_w - 1);
    if (!good) throw std::invalid_argument("binary convolution: map, weights, limits, stride, padding and groups do not fit together");
    if (masks)
        for (int i = 0; i < 4; ++i)
            if (masks->shape(i) != weights.shape(i)) throw std::invalid_argument("binary convolution: masks and weights differ in shape");
    return s;
}

void conv_bits(const std::string &level, Words3 map, Words4 weights, std::optional<Words4> masks, Ints limit, int stride, int dilation, int pad,
               int groups, bool pad_bit, int threads, WordsOut out) {
    const Level use = parse_level(level);
    const bits::Shape s = checked(map, weights, masks, limit, stride, dilation, pad, groups, pad_bit, threads);
    if (static_cast<int>(out.shape(0)) != s.fan * ((s.outs + 63) / 64) || static_cast<int>(out.shape(1)) != s.out_height() ||
        static_cast<int>(out.shape(2)) != s.out_width())
        throw std::invalid_argument("binary convolution: the output array has the wrong shape");
    nb::gil_scoped_release release;
    bits::conv_bits(use, s, map.data(), weights.data(), masks ? masks->data() : nullptr, limit.data(), out.data());
}

void conv_dots(const std::string &level, Words3 map, Words4 weights, std::optional<Words4> masks, Ints total, int stride, int dilation, int pad,
               int groups, bool pad_bit, int threads, DotsOut out) {
    const Level use = parse_level(level);
    const bits::Shape s = checked(map, weights, masks, total, stride, dilation, pad, groups, pad_bit, threads);
    if (s.fan != 1 || static_cast<int>(out.shape(0)) != s.outs || static_cast<int>(out.shape(1)) != s.out_height() || static_cast<int>(out.shape(2)) != s.out_width())
        throw std::invalid_argument("binary convolution: the output array has the wrong shape");
    if (64 * s.taps() > 32767) throw std::invalid_argument("binary convolution: more than 511 words a filter do not fit int16 dot products");
    nb::gil_scoped_release release;
    bits::conv_dots(use, s, map.data(), weights.data(), masks ? masks->data() : nullptr, total.data(), out.data());
}

// A convolution with an epilogue. `channels` is (outs, members of Channel), all of type Member; their ranges are Python's to check.
template <class Channel, class Member, class Value, class Convolve> void def_values(nb::module_ &m, const char *name, Convolve convolve) {
    using Numbers = nb::ndarray<const Member, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
    using Values = nb::ndarray<const Value, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
    using ValuesOut = nb::ndarray<Value, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
    const auto run = [convolve](const std::string &level, Words3 map, Words4 weights, std::optional<Words4> masks, Ints total, Numbers channels,
                                std::optional<Values> residual, bool residual_first, int stride, int dilation, int pad, int groups, bool pad_bit, int threads,
                                ValuesOut out, std::optional<WordsOut> signs) {
        const Level use = parse_level(level);
        const bits::Shape s = checked(map, weights, masks, total, stride, dilation, pad, groups, pad_bit, threads);
        const auto fits = [&](const auto &array, int planes) {
            return static_cast<int>(array.shape(0)) == planes && static_cast<int>(array.shape(1)) == s.out_height() &&
                   static_cast<int>(array.shape(2)) == s.out_width();
        };
        if (s.fan != 1 || 64 * s.taps() > 32767 || !fits(out, s.outs) || (residual && !fits(*residual, s.outs)) || (signs && !fits(*signs, (s.outs + 63) / 64)) ||
            static_cast<int>(channels.shape(0)) != s.outs || channels.shape(1) * sizeof(Member) != sizeof(Channel))
            throw std::invalid_argument("binary convolution: filters, channels' numbers, residual and output do not fit together");
        std::vector<Channel> numbers(static_cast<std::size_t>(s.outs));
        std::memcpy(numbers.data(), channels.data(), numbers.size() * sizeof(Channel));
        const bits::Residual where = !residual ? bits::Residual::none : residual_first ? bits::Residual::before : bits::Residual::after;
        nb::gil_scoped_release release;
        convolve(use, s, map.data(), weights.data(), masks ? masks->data() : nullptr, total.data(), numbers.data(), where,
                 residual ? residual->data() : nullptr, out.data(), signs ? signs->data() : nullptr);
    };
    m.def(name, run, nb::arg("level"), nb::arg("map"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("total"), nb::arg("channels"),
          nb::arg("residual").none(), nb::arg("residual_first"), nb::arg("stride"), nb::arg("dilation"), nb::arg("pad"), nb::arg("groups"), nb::arg("pad_bit"),
          nb::arg("threads"), nb::arg("out"), nb::arg("signs").none());
}

double popcount_ceiling(const std::string &level, double seconds) {
    const bits::Kernels &kernel = bits::kernels(parse_level(level));
    nb::gil_scoped_release release;
    double best = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        const auto start = std::chrono::steady_clock::now();
        const std::int64_t done = kernel.ceiling(200000);
        const auto stop = std::chrono::steady_clock::now();
        const double rate = static_cast<double>(done) / std::chrono::duration<double>(stop - start).count();
        if (rate > best) best = rate;
        if (std::chrono::duration<double>(stop - begin).count() > seconds) return best * 1e-9;
    }
}

}  // namespace

void bind_bits(nb::module_ &m) {
    m.def("conv_bits", &conv_bits, nb::arg("level"), nb::arg("map"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("limit"), nb::arg("stride"),
          nb::arg("dilation"), nb::arg("pad"), nb::arg("groups"), nb::arg("pad_bit"), nb::arg("threads"), nb::arg("out"));
    m.def("conv_dots", &conv_dots, nb::arg("level"), nb::arg("map"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("total"), nb::arg("stride"),
          nb::arg("dilation"), nb::arg("pad"), nb::arg("groups"), nb::arg("pad_bit"), nb::arg("threads"), nb::arg("out"));
    def_values<bits::Affine, float, float>(m, "conv_affine", bits::conv_affine);
    def_values<bits::Fixed, std::int32_t, std::int16_t>(m, "conv_fixed", bits::conv_fixed);
    m.def("popcount_ceiling", &popcount_ceiling, nb::arg("level"), nb::arg("seconds"),
          "Best rate of +-1 multiply-accumulates the level's xor + count + add reaches on one core, in 10^9 a second.");
    m.def("bits_unit", [](const std::string &level) { return std::string(bits::kernels(parse_level(level)).unit); }, nb::arg("level"),
          "Name that the unit behind a level gives itself: proof of what runs.");
}

}  // namespace docbin
