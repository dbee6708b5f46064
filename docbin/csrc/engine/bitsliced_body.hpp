// What a target does with a program, see bitsliced.hpp; V is a vector of its isa::Words.
#pragma once
#include "engine/bitsliced.hpp"

namespace docbin::bitsliced {
namespace {

using W = isa::Words;
using V = W::V;
using u64 = std::uint64_t;
using i64 = std::int64_t;

constexpr int vector_words = W::size;
constexpr i64 vector_bytes = 8 * vector_words;

// A tap's pixels: the string of bits moved by `shift` columns.
inline V moved(const u64 *words, int shift) {
    const int whole = shift >> 6, part = shift & 63;
    const u64 *at = words + whole;
    return part ? W::bit_or(W::shift_right(W::load(at), part), W::shift_left(W::load(at + 1), 64 - part)) : W::load(at);
}

// The three neighbours (-d, 0, d) on a row of bits.
inline void neighbours(const u64 *words, int d, V (&to)[3]) {
    to[1] = W::load(words);
    to[0] = W::bit_or(W::shift_left(to[1], d), W::shift_right(W::load(words - 1), 64 - d));
    to[2] = W::bit_or(W::shift_right(to[1], d), W::shift_left(W::load(words + 1), 64 - d));
}

struct Table {
    unsigned char *words;  // [2^log2][forms] vectors, of pairs twice that
    u64 *sums;             // [slots] vectors
    u64 *digits;           // [filters][digits] vectors
    u64 *last;             // [2] vectors: S and S inverted
};

inline const u64 *words_of(std::int32_t channel, const Operand &o, const Field &field, i64 at) {
    return field.channels[channel] + at + o.row * field.pitch;
}

inline V operand(const Operand &o, const Field &field, i64 at, const u64 *sums) {
    if (o.channel >= 0) return moved(words_of(o.channel, o, field, at), o.shift);
    return o.channel == Operand::sum_of ? W::load(sums + o.row * vector_words) : W::zero();
}

// Form i holds majority(a ^ bit 0 of i, b ^ bit 1, c ^ bit 2).
inline void all_forms(V a, V b, V c, u64 *out) {
    const V plain = W::majority(a, b, c), a_turned = W::majority_not_b(b, a, c), b_turned = W::majority_not_b(a, b, c), c_turned = W::majority_not_b(a, c, b);
    W::store(out, plain), W::store(out + 1 * vector_words, a_turned), W::store(out + 2 * vector_words, b_turned), W::store(out + 4 * vector_words, c_turned);
    W::store(out + 7 * vector_words, W::bit_not(plain)), W::store(out + 6 * vector_words, W::bit_not(a_turned));
    W::store(out + 5 * vector_words, W::bit_not(b_turned)), W::store(out + 3 * vector_words, W::bit_not(c_turned));
}

// Form i adds x or y of each pair, as the bits of i say: the sum's lower digit to `low`, its upper one to `high`.
inline void all_pair_forms(const V (&x)[3], const V (&y)[3], u64 *low, u64 *high) {
    for (int i = 0; i < forms; ++i) {
        const V a = i & 1 ? y[0] : x[0], b = i & 2 ? y[1] : x[1], c = i & 4 ? y[2] : x[2];
        W::store(low + i * vector_words, W::xor3(a, b, c)), W::store(high + i * vector_words, W::majority(a, b, c));
    }
}

// Does a step; a step that makes words puts them at `to` (and `high`).
inline void make(const Step &step, const Field &field, i64 at, const Table &table, u64 *to, u64 *high) {
    V a[3];
    if (step.kind == Step::adjacent) {
        neighbours(words_of(step.in[1].channel, step.in[1], field, at), step.in[2].shift, a);
        all_forms(a[0], a[1], a[2], to);
    } else if (step.kind == Step::single) {
        a[0] = operand(step.in[0], field, at, table.sums);
        W::store(to, a[0]), W::store(to + vector_words, W::bit_not(a[0])), W::store(to + 2 * vector_words, W::zero());
        return;
    } else if (step.kind == Step::adjacent_pairs || step.kind == Step::pairs) {
        V b[3], x[3], y[3];
        if (step.kind == Step::adjacent_pairs) {
            neighbours(words_of(step.in[1].channel, step.in[1], field, at), step.in[2].shift, a);
            neighbours(words_of(step.in[1].other, step.in[1], field, at), step.in[2].shift, b);
        } else {
            for (int i = 0; i < 3; ++i) a[i] = operand(step.in[i], field, at, table.sums);
            for (int i = 0; i < 3; ++i) b[i] = moved(words_of(step.in[i].other, step.in[i], field, at), step.in[i].shift);
        }
        for (int i = 0; i < 3; ++i) x[i] = W::bit_and(a[i], b[i]), y[i] = W::bit_not(W::bit_or(a[i], b[i])), a[i] = W::bit_xor(a[i], b[i]);
        all_pair_forms(x, y, to, high);
        W::store(table.sums + step.carry * vector_words, W::majority(a[0], a[1], a[2]));
    } else {
        for (int i = 0; i < 3; ++i) a[i] = operand(step.in[i], field, at, table.sums);
        if (step.kind == Step::any)
            all_forms(a[0], a[1], a[2], to);
        else
            W::store(table.sums + step.carry * vector_words, W::majority(a[0], a[1], a[2]));
    }
    W::store(table.sums + step.slot * vector_words, W::xor3(a[0], a[1], a[2]));
}

inline V full_adder(V &digit, V a, V b) {
    const V carry = W::majority(digit, a, b);
    digit = W::xor3(digit, a, b);
    return carry;
}

// Adds 2^N words of the table to the digits below N and returns the carry.
template <int N> struct Tree {
    static DOCBIN_ADDER_TREE V add(const unsigned char *table, const std::uint16_t *offsets, V *digits) {
        const V a = Tree<N - 1>::add(table, offsets, digits), b = Tree<N - 1>::add(table, offsets + (1 << (N - 1)), digits);
        return full_adder(digits[N - 1], a, b);
    }
};
template <> struct Tree<0> {
    static DOCBIN_ADDER_TREE V add(const unsigned char *table, const std::uint16_t *offsets, V *) { return W::load(reinterpret_cast<const u64 *>(table + offsets[0])); }
};

// The same for both halves of a table of pairs at once; the second half's words count twice, so they begin at digit 1.
template <int N> struct PairTree {
    static DOCBIN_ADDER_TREE void add(const unsigned char *table, i64 half, const std::uint16_t *offsets, V *digits, V &carry, V &second) {
        V other, other_second;
        PairTree<N - 1>::add(table, half, offsets, digits, carry, second);
        PairTree<N - 1>::add(table, half, offsets + (1 << (N - 1)), digits, other, other_second);
        carry = full_adder(digits[N - 1], carry, other);
        second = full_adder(digits[N], second, other_second);
    }
};
template <> struct PairTree<0> {
    static DOCBIN_ADDER_TREE void add(const unsigned char *table, i64 half, const std::uint16_t *offsets, V *, V &carry, V &second) {
        const unsigned char *word = table + offsets[0];
        carry = W::load(reinterpret_cast<const u64 *>(word)), second = W::load(reinterpret_cast<const u64 *>(word + half));
    }
};

// One filter after the other: its words of the chunk, added to its digits. Of pairs, the second half's words count twice.
template <int N, bool Pairs> void add_chunk(const Chunk &chunk, const Program &program, const std::uint16_t *offsets, const Table &table) {
    constexpr int held = Pairs ? N + 1 : N;
    u64 *digits = table.digits;
    for (int f = 0; f < program.filters; ++f, offsets += 1 << N, digits += program.digits * vector_words) {
        V low[held];
        for (int i = 0; i < held; ++i) low[i] = chunk.before ? W::load(digits + i * vector_words) : W::zero();
        V carry, second = W::zero();
        if constexpr (!Pairs) {
            carry = Tree<N>::add(table.words, offsets, low);
        } else {
            PairTree<N>::add(table.words, (forms << N) * vector_bytes, offsets, low, carry, second);
            const V digit = low[N];
            low[N] = W::bit_xor(digit, carry), carry = W::bit_and(digit, carry);
        }
        for (int i = 0; i < held; ++i) W::store(digits + i * vector_words, low[i]);
        for (int i = held; i < chunk.after; ++i) {
            V digit = i < chunk.before ? W::load(digits + i * vector_words) : W::zero();
            if (Pairs && i == held)
                carry = full_adder(digit, carry, second);
            else {
                const V old = digit;
                digit = W::bit_xor(old, carry), carry = W::bit_and(old, carry);
            }
            W::store(digits + i * vector_words, digit);
        }
    }
}

// T and S of every filter, and N, for the words from `at`.
inline void sum_up(const Program &program, const Field &field, i64 at, const Table &table) {
    const std::uint16_t *offsets = program.offsets;
    for (int k = 0; k < program.chunk_count; ++k) {
        const Chunk &chunk = program.chunks[k];
        u64 *to = reinterpret_cast<u64 *>(table.words), *high = to + (forms << chunk.log2) * vector_words;
        for (int i = 0; i < chunk.steps; ++i) {
            const Step &step = program.steps[chunk.first + i];
            make(step, field, at, table, to, high);
            if (step.kind != Step::count) to += forms * vector_words, high += forms * vector_words;
        }
        if (chunk.words < 1 << chunk.log2) {  // the padding's one form
            W::store(to, W::zero());
            if (chunk.paired) W::store(high, W::zero());
        }
        switch (2 * chunk.log2 + chunk.paired) {
            case 8: add_chunk<4, false>(chunk, program, offsets, table); break;
            case 9: add_chunk<4, true>(chunk, program, offsets, table); break;
            case 10: add_chunk<5, false>(chunk, program, offsets, table); break;
            case 11: add_chunk<5, true>(chunk, program, offsets, table); break;
            default: add_chunk<6, false>(chunk, program, offsets, table); break;
        }
        offsets += static_cast<i64>(program.filters) << chunk.log2;
    }
    if (program.last.channel != Operand::nothing) {
        const V last = operand(program.last, field, at, table.sums);
        W::store(table.last, last), W::store(table.last + vector_words, W::bit_not(last));
    }
}

// Digit i of N / 2.
inline V shared_digit(const Program &program, const Table &table, int i) {
    return i < program.shared_digits && program.shared[i] >= 0 ? W::load(table.sums + program.shared[i] * vector_words) : W::zero();
}

inline i64 scratch(const Program &program) {
    return vector_bytes * ((forms << longest_log2) + slots + static_cast<i64>(program.filters) * program.digits + 2);
}

inline Table table_in(void *scratch, const Program &program) {
    u64 *words = static_cast<u64 *>(scratch);
    u64 *sums = words + (forms << longest_log2) * vector_words, *digits = sums + slots * vector_words;
    return {static_cast<unsigned char *>(scratch), sums, digits, digits + static_cast<i64>(program.filters) * program.digits * vector_words};
}

// Bits p < M of one filter for `Thresholds` thresholds, whose masks are `stride` apart: digit by digit, with N added on the way.
template <int Thresholds> inline void compare(const Program &program, const Table &table, const u64 *digits, bool inverted, const u64 *masks, i64 stride, V (&less)[Thresholds]) {
    const auto step = [&](V digit, const u64 *mask) {
        for (int k = 0; k < Thresholds; ++k) less[k] = W::majority_not_b(less[k], digit, W::broadcast(mask[k * stride]));
    };
    for (int k = 0; k < Thresholds; ++k) less[k] = W::broadcast(masks[k * stride]);
    ++masks;
    if (program.last.channel != Operand::nothing) step(W::load(table.last + (inverted ? vector_words : 0)), masks++);
    if (!program.shared_digits) {
        for (int i = 0; i < program.digits; ++i) step(W::load(digits + i * vector_words), masks++);
        return;
    }
    V carry = W::zero();
    for (int i = 0; i < program.digits; ++i) {
        V digit = W::load(digits + i * vector_words);
        carry = full_adder(digit, shared_digit(program, table, i), carry);
        step(digit, masks++);
    }
}

void bits(const Program &program, const Limits &limits, const Field &field, Span span, const u64 *valid, u64 *const *out, int threshold_stride,
          void *scratch) {
    const Table table = table_in(scratch, program);
    const i64 threshold_masks = static_cast<i64>(program.filters) * limits.stride;
    for (i64 at = span.from; at < span.to; at += vector_words) {
        sum_up(program, field, at, table);
        const V columns = W::load(valid + at % field.pitch);
        const i64 left = span.to - at;
        const auto put = [&](V less, int threshold, int f) {
            u64 *to = out[static_cast<i64>(threshold) * threshold_stride + program.first_filter + f] + at;
            less = W::bit_and(less, columns);
            if (left >= vector_words)
                W::store(to, less);
            else
                W::store_part(to, less, static_cast<int>(left));
        };
        const u64 *digits = table.digits;
        for (int f = 0; f < program.filters; ++f, digits += program.digits * vector_words) {
            const u64 *masks = limits.masks + static_cast<i64>(f) * limits.stride;
            for (int first = 0; first < limits.thresholds; first += 2, masks += 2 * threshold_masks) {
                V less[2], one[1];
                if (first + 1 < limits.thresholds) {
                    compare<2>(program, table, digits, program.inverted[f], masks, threshold_masks, less);
                    put(less[0], first, f), put(less[1], first + 1, f);
                } else {
                    compare<1>(program, table, digits, program.inverted[f], masks, threshold_masks, one);
                    put(one[0], first, f);
                }
            }
        }
    }
}

void dots(const Program &program, const Field &field, Span span, std::int16_t *out, i64 stride, void *scratch) {
    const Table table = table_in(scratch, program);
    for (i64 at = span.from; at < span.to; at += vector_words) {
        sum_up(program, field, at, table);
        u64 *digits = table.digits;
        const int words = static_cast<int>(span.to - at < vector_words ? span.to - at : vector_words);
        for (int f = 0; f < program.filters; ++f, digits += program.digits * vector_words) {
            V carry = W::zero();
            for (int i = 0; program.shared_digits && i < program.digits; ++i) {
                V digit = W::load(digits + i * vector_words);
                carry = full_adder(digit, shared_digit(program, table, i), carry);
                W::store(digits + i * vector_words, digit);
            }
            const u64 *last = program.last.channel == Operand::nothing ? nullptr : table.last + program.inverted[f] * vector_words;
            W::expand_dots(digits, last, program.digits, program.total[f], words, out + f * stride + 64 * (at - span.from));
        }
    }
}

// The even bits of a word, moved together.
inline u64 every_second(u64 x) {
    x &= 0x5555555555555555ULL;
    x = (x | x >> 1) & 0x3333333333333333ULL;
    x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fULL;
    x = (x | x >> 4) & 0x00ff00ff00ff00ffULL;
    x = (x | x >> 8) & 0x0000ffff0000ffffULL;
    return (x | x >> 16) & 0x00000000ffffffffULL;
}

// The lower 32 bits, each twice.
inline u64 twice(u64 x) {
    x &= 0x00000000ffffffffULL;
    x = (x | x << 16) & 0x0000ffff0000ffffULL;
    x = (x | x << 8) & 0x00ff00ff00ff00ffULL;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fULL;
    x = (x | x << 2) & 0x3333333333333333ULL;
    x = (x | x << 1) & 0x5555555555555555ULL;
    return x | x << 1;
}

void pool(const u64 *upper, const u64 *lower, u64 *out, i64 words) {
    for (i64 k = 0; k < words; ++k) {
        const u64 a = upper[2 * k] | lower[2 * k], b = upper[2 * k + 1] | lower[2 * k + 1];
        out[k] = every_second(a | a >> 1) | every_second(b | b >> 1) << 32;
    }
}

void upsample(const u64 *in, u64 *out, i64 words) {
    for (i64 k = 0; k < words; ++k) out[2 * k] = twice(in[k]), out[2 * k + 1] = twice(in[k] >> 32);
}

constexpr Kernels table{scratch, bits, dots, pool, upsample, vector_words};

}  // namespace
}  // namespace docbin::bitsliced
