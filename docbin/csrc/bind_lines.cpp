// Python's view of convolution on lines. Shapes are checked once more here, because a wrong one would read outside an array.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <stdexcept>

#include "lines_map.hpp"

namespace nb = nanobind;

namespace docbin {
namespace {

template <class T, std::size_t N> using In = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
template <class T, std::size_t N> using Out = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

void demand(bool good, const char *what) {
    if (!good) throw std::invalid_argument(what);
}

struct Filters {
    lines::Convolution conv;
    int channels, outs;

    Filters(const std::string &level, const In<std::uint64_t, 4> &weights, const std::optional<In<std::uint64_t, 4>> &masks,
            const std::optional<In<std::int32_t, 2>> &limit, int dilation, int groups, int per_group)
        : conv(parse_level(level), checked(weights, masks, dilation, groups, per_group)), channels(per_group * groups),
          outs(static_cast<int>(weights.shape(0))) {
        if (!limit) return;
        demand(static_cast<int>(limit->shape(1)) == outs && limit->shape(0) > 0, "lines: limits and weights do not fit together");
        conv.set_limits(limit->data(), static_cast<int>(limit->shape(0)));
    }

    static lines::Filters checked(const In<std::uint64_t, 4> &w, const std::optional<In<std::uint64_t, 4>> &masks, int dilation, int groups, int channels) {
        const int kernel = static_cast<int>(w.shape(2)), words = static_cast<int>(w.shape(1)), outs = static_cast<int>(w.shape(0));
        demand(kernel == static_cast<int>(w.shape(3)) && kernel % 2 == 1 && kernel <= 15 && dilation >= 1 && dilation <= 64 && groups >= 1 && outs > 0 &&
                   outs % groups == 0 && channels > 0 && channels <= 64 * words && static_cast<std::int64_t>(channels) * kernel * kernel <= 1 << 20,
               "lines: weights, dilation, groups and channels do not fit together");
        if (masks)
            for (int i = 0; i < 4; ++i) demand(masks->shape(i) == w.shape(i), "lines: masks and weights differ in shape");
        return {outs, words, kernel, dilation, groups, channels, w.data(), masks ? masks->data() : nullptr};
    }

    lines::Shape shape(const In<std::uint64_t, 3> &map, std::int64_t width) const {
        const auto pitch = static_cast<std::int64_t>(map.shape(2));
        demand(static_cast<int>(map.shape(0)) == channels && map.shape(1) > 0 && width > 0 && width <= 64 * pitch, "lines: the map does not fit the filters");
        return {channels, static_cast<std::int64_t>(map.shape(1)), width, pitch};
    }

    void bits(In<std::uint64_t, 3> map, std::int64_t width, int threads, Out<std::uint64_t, 3> out) const {
        const lines::Shape s = shape(map, width);
        demand(conv.fan() > 0 && static_cast<int>(out.shape(0)) == conv.fan() * outs && static_cast<std::int64_t>(out.shape(1)) == s.height &&
                   static_cast<std::int64_t>(out.shape(2)) == lines::pitch_for(width, conv.reach()),
               "lines: the output array has the wrong shape");
        nb::gil_scoped_release release;
        lines::conv_bits(conv, s, map.data(), out.data(), threads);
    }

    void dots(In<std::uint64_t, 3> map, std::int64_t width, int threads, Out<std::int16_t, 3> out) const {
        const lines::Shape s = shape(map, width);
        demand(static_cast<int>(out.shape(0)) == outs && static_cast<std::int64_t>(out.shape(1)) == s.height && static_cast<std::int64_t>(out.shape(2)) == width,
               "lines: the output array has the wrong shape");
        nb::gil_scoped_release release;
        lines::conv_dots(conv, s, map.data(), out.data(), threads);
    }
};

lines::Shape both_shapes(std::size_t channels, std::size_t height, std::int64_t width, std::size_t pitch, const In<std::uint64_t, 3> &words) {
    demand(channels == 64 * words.shape(0) && height == words.shape(1) && width == static_cast<std::int64_t>(words.shape(2)) &&
               width <= 64 * static_cast<std::int64_t>(pitch),
           "lines: the two maps do not fit together");
    return {static_cast<std::int64_t>(channels), static_cast<std::int64_t>(height), width, static_cast<std::int64_t>(pitch)};
}

}  // namespace

void bind_lines(nb::module_ &m) {
    nb::class_<Filters>(m, "LineFilters")
        .def(nb::init<const std::string &, In<std::uint64_t, 4>, std::optional<In<std::uint64_t, 4>>, std::optional<In<std::int32_t, 2>>, int, int, int>(),
             nb::arg("level"), nb::arg("weights"), nb::arg("masks").none(), nb::arg("limit").none(), nb::arg("dilation"), nb::arg("groups"),
             nb::arg("channels"))
        .def("bits", &Filters::bits, nb::arg("map"), nb::arg("width"), nb::arg("threads"), nb::arg("out"))
        .def("dots", &Filters::dots, nb::arg("map"), nb::arg("width"), nb::arg("threads"), nb::arg("out"));
    m.def("lines_from_words",
          [](In<std::uint64_t, 3> words, Out<std::uint64_t, 3> out) {
              const auto width = static_cast<std::int64_t>(words.shape(2));
              lines::from_words(words.data(), both_shapes(out.shape(0), out.shape(1), width, out.shape(2), words), out.data());
          },
          nb::arg("words"), nb::arg("out"));
    m.def("lines_to_words",
          [](In<std::uint64_t, 3> map, Out<std::uint64_t, 3> out) {
              const auto width = static_cast<std::int64_t>(out.shape(2));
              lines::to_words(map.data(), both_shapes(map.shape(0), map.shape(1), width, map.shape(2), In<std::uint64_t, 3>(out)), out.data());
          },
          nb::arg("lines"), nb::arg("out"));
    m.def("lines_unit", [](const std::string &level) { return std::string(lines::kernels(parse_level(level)).unit); }, nb::arg("level"),
          "Name that the unit behind a level gives itself: proof of what runs.");
}

}  // namespace docbin
