// Bit-sliced binary convolution: 64 neighbouring pixels of one channel a word, added up by carry-save adders instead of population counts.
//
// A row of bits is a row of one channel: bit i of word k is column 64 k + i, 1 = +1, 0 = -1. A map is (channels, rows, pitch) words; every row ends in
// spare bits of 0, at least as many as any filter reaches sideways. Then a map is one long string of bits a channel: a tap (channel, dy, dx) is that
// string, moved by dy rows and dx bits, and what a filter sees beyond the left and right edge is the spare bits, which are the padding (-1).
//
// With p = number of unequal pairs of a filter's weights w and its taps b, the dot product is K - 2 p. Let three taps be a, b, c: their unequal pairs
// are s + 2 m with s = (a^wa)^(b^wb)^(c^wc) and m = majority(a^wa, b^wb, c^wc), a carry-save adder (a full adder on words). The sum s is a^b^c, up to a
// sign that is the filter's alone: one word for all filters, and a tap to the next level, where three of such sums are added in the same way, until one
// word S is left. The majority has eight forms, one for each pattern of three weights; all eight are made once for all filters, in a table that stays in
// L1. So a filter over K taps is the sum of (K - 1) / 2 words taken from the table, which a tree of carry-save adders (Harley and Seal's population count;
// two logic operations an adder) adds in binary, 64 pixels a word: p = 2 T + S.
// That is one logic operation a pixel and tap where xor + population count + add are three, and it needs no instruction that AVX2 lacks.
// The threshold p < M is a comparison of binary numbers, again in bits, so several thresholds a filter cost next to nothing.
//
// Channels that all filters give equal weights (the bits of a thermometer code do) are taken in pairs l, h. Their unequal pairs are t + 2 x, where
// t = l^h does not depend on the weight at all, and x is l&h or, for a weight of 1, ~(l|h). The t of all pairs are counted once for all filters, a number
// N; and three x are two words of eight forms, their sum's lower and upper digit. So six taps cost two words instead of three: p = 2 T + S + N.
//
// The tables of operations and offsets ("programs") are made once a network, by bitsliced_program.cpp; the targets only run them.
// Bounds: p <= K <= 2^20; the int16 dot products need K <= 32767, which the caller checks.
#pragma once
#include <cstdint>

namespace docbin::bitsliced {

// One of the three things that a step adds: a tap (with `other`, a pair of channels), the sum of an earlier step, or nothing.
struct Operand {
    std::int32_t channel;  // >= 0: a tap; sum_of, nothing
    std::int32_t row;      // tap: rows below the output row; sum_of: which slot
    std::int32_t shift;    // tap: columns right of the output column
    std::int32_t other;    // tap: the pair's second channel
    static constexpr std::int32_t sum_of = -1, nothing = -2;
};

// `any` makes one word of the table, in eight forms, and puts its operands' sum into `slot`; `adjacent` does so for three neighbours (-d, 0, d) of one row.
// `pairs`, `adjacent_pairs` make two words, one in each half of the table, and put the sum of the t into `slot`, their carry into `carry`.
// `count` only adds: sum and carry of three slots. `single`: for filters with zero weights: one tap as it is, inverted, and absent.
struct Step {
    enum Kind : std::int32_t { adjacent, any, adjacent_pairs, pairs, count, single } kind;
    Operand in[3];
    std::int32_t slot, carry;
};
inline constexpr int slots = 128, forms = 8;

// A run of 2^log2 words of the table (or twice as many of pairs); fewer steps: the rest are zero. `before`, `after`: binary digits of T so far.
struct Chunk {
    std::int32_t first, steps, words, log2, before, after, paired;
};
inline constexpr int longest_log2 = 6;

// The filters that read the same channels, at most `filters_at_once` of them.
struct Program {
    const Step *steps;
    const Chunk *chunks;
    int chunk_count;
    int filters, first_filter;
    const std::uint16_t *offsets;  // chunk by chunk: [filters][2^log2] byte offsets into the table
    int digits;                    // binary digits of T + N / 2
    const std::int32_t *shared;    // [shared_digits]: the slots of N's digits from its second on, or -1 (its first is part of S)
    int shared_digits;
    Operand last;                  // S; `nothing` where zero weights are allowed (then p = T)
    const std::uint8_t *inverted;    // [filters]: 1 = S is inverted
    const std::int32_t *total;     // [filters]: weights that count
};
inline constexpr int filters_at_once = 256;

// A filter's threshold as masks: p < M, digit by digit from the lowest (S first, if there is one), each 0 or ~0; the first is where to start from.
struct Limits {
    const std::uint64_t *masks;  // [thresholds][filters][stride]
    int thresholds, stride;
};

// Where the taps are: channels[c] is the first word of the output's first row in channel c's map.
struct Field {
    const std::uint64_t *const *channels;
    std::int64_t pitch;
};

// Words [from, to) of the output, counted through all its rows.
struct Span {
    std::int64_t from, to;
};

// Bytes of scratch that a target wants for a program (64-byte aligned).
using Scratch = std::int64_t (*)(const Program &);
// out[t * filters_of_all + filter] are the output's channels, threshold t; `valid` [pitch + 8] holds the columns that exist, row after row.
using Bits = void (*)(const Program &, const Limits &, const Field &, Span, const std::uint64_t *valid, std::uint64_t *const *out, int threshold_stride,
                      void *scratch);
// out[filter * stride + 64 (word - span.from) + bit] = total - 2 p, for the program's own filters.
using Dots = void (*)(const Program &, const Field &, Span, std::int16_t *out, std::int64_t stride, void *scratch);
// OR of 2 x 2 pixels: two rows to one of half the length (`words` of output).
using Pool = void (*)(const std::uint64_t *upper, const std::uint64_t *lower, std::uint64_t *out, std::int64_t words);
// Every pixel twice (`words` of input to twice as many).
using Upsample = void (*)(const std::uint64_t *in, std::uint64_t *out, std::int64_t words);

struct Kernels {
    Scratch scratch;
    Bits bits;
    Dots dots;
    Pool pool;
    Upsample upsample;
    int vector_words;  // 64-bit words a vector: the table's offsets are in bytes
};

}  // namespace docbin::bitsliced
