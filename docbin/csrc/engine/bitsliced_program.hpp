// Filters to programs (see bitsliced.hpp): which words a filter adds, worked out once a network and level.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/bitsliced.hpp"
#include "levels.hpp"

namespace docbin::bitsliced {

// Weights as the packed file has them: [outs][words][kernel][kernel] words, bit c of word j is channel 64 j + c of the filter's group.
struct Filters {
    int outs, words, kernel, dilation, groups;
    int channels;  // a group's channels that count, at most 64 * words
    const std::uint64_t *weights, *masks;  // masks: null, or 0 = this weight is zero
    int reach() const { return kernel / 2 * dilation; }
};

class Convolution {
public:
    Convolution(Level level, const Filters &filters);
    Convolution(const Convolution &) = delete;
    Convolution &operator=(const Convolution &) = delete;

    // [thresholds][outs]: bit = at most `limit` unequal pairs.
    void set_limits(const std::int32_t *limit, int thresholds);

    int outs() const { return outs_; }
    int thresholds() const { return thresholds_; }
    int reach() const { return reach_; }
    std::int64_t scratch_bytes() const;

    // Words [span.from, span.to) of every output channel out[threshold * outs + o]; see Kernels.
    void bits(const Field &, Span, const std::uint64_t *valid, std::uint64_t *const *out, void *scratch) const;
    void dots(const Field &, Span, std::int16_t *out, std::int64_t stride, void *scratch) const;

private:
    struct Part {
        std::vector<Step> steps;
        std::vector<Chunk> chunks;
        std::vector<std::uint16_t> offsets;
        std::vector<std::uint8_t> inverted;
        std::vector<std::int32_t> total, shared;
        std::vector<std::uint64_t> masks;
        Program program;
        int first_channel;
        Limits limits;
    };
    void plan(const Filters &, int group, int first, int count);

    const Kernels &kernels_;
    int outs_, reach_, thresholds_ = 0;
    std::vector<Part> parts_;
};

// Words a row of `width` pixels takes, with as many spare bits as a filter reaches sideways.
inline std::int64_t pitch_for(std::int64_t width, int reach) { return (width + reach + 63) / 64; }

// 1 where a row of `width` pixels has a column, for `pitch` words and eight more that begin the next row.
std::vector<std::uint64_t> valid_columns(std::int64_t width, std::int64_t pitch);

}  // namespace docbin::bitsliced
