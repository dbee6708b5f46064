// What a unit does with a program, see lines.hpp; compiled once a level by lines_<level>.cpp, which first brings its vector V of `vector_words` words and
// load, store, store_part, zero, spread (a word to all), both, either, differ, inverted, sum3, most3, most3_turned (majority(a, ~b, c)), left, right.
// No standard library in here: its inline functions, compiled for a level that this CPU lacks, could be the ones that the linker keeps.
#include "lines.hpp"

namespace {

using namespace docbin::lines;
using u64 = std::uint64_t;
using i64 = std::int64_t;

constexpr i64 vector_bytes = 8 * vector_words;

// A tap's pixels: the string of bits moved by `shift` columns.
inline V moved(const u64 *words, int shift) {
    const int whole = shift >> 6, part = shift & 63;
    const u64 *at = words + whole;
    return part ? either(right(load(at), part), left(load(at + 1), 64 - part)) : load(at);
}

// The three neighbours (-d, 0, d) on a line.
inline void neighbours(const u64 *words, int d, V (&to)[3]) {
    to[1] = load(words);
    to[0] = either(left(to[1], d), right(load(words - 1), 64 - d));
    to[2] = either(right(to[1], d), left(load(words + 1), 64 - d));
}

struct Table {
    unsigned char *words;  // [2^log2][forms] vectors, of pairs twice that
    u64 *sums;             // [slots] vectors
    u64 *digits;           // [filters][digits] vectors
    u64 *last;             // [2] vectors: S and S turned over
};

inline const u64 *words_of(std::int32_t channel, const Operand &o, const Field &field, i64 at) {
    return field.channels[channel] + at + o.row * field.pitch;
}

inline V operand(const Operand &o, const Field &field, i64 at, const u64 *sums) {
    if (o.channel >= 0) return moved(words_of(o.channel, o, field, at), o.shift);
    return o.channel == Operand::sum_of ? load(sums + o.row * vector_words) : zero();
}

// Form i holds majority(a ^ bit 0 of i, b ^ bit 1, c ^ bit 2).
inline void all_forms(V a, V b, V c, u64 *out) {
    const V plain = most3(a, b, c), a_turned = most3_turned(b, a, c), b_turned = most3_turned(a, b, c), c_turned = most3_turned(a, c, b);
    store(out, plain), store(out + 1 * vector_words, a_turned), store(out + 2 * vector_words, b_turned), store(out + 4 * vector_words, c_turned);
    store(out + 7 * vector_words, inverted(plain)), store(out + 6 * vector_words, inverted(a_turned));
    store(out + 5 * vector_words, inverted(b_turned)), store(out + 3 * vector_words, inverted(c_turned));
}

// Form i adds x or y of each pair, as the bits of i say: the sum's lower digit to `low`, its upper one to `high`.
inline void all_pair_forms(const V (&x)[3], const V (&y)[3], u64 *low, u64 *high) {
    for (int i = 0; i < forms; ++i) {
        const V a = i & 1 ? y[0] : x[0], b = i & 2 ? y[1] : x[1], c = i & 4 ? y[2] : x[2];
        store(low + i * vector_words, sum3(a, b, c)), store(high + i * vector_words, most3(a, b, c));
    }
}

// Does a step; a step that makes words puts them at `to` (and `high`).
inline void make(const Step &step, const Field &field, i64 at, const Table &table, u64 *to, u64 *high) {
    V a[3];
    if (step.kind == Step::line) {
        neighbours(words_of(step.in[1].channel, step.in[1], field, at), step.in[2].shift, a);
        all_forms(a[0], a[1], a[2], to);
    } else if (step.kind == Step::single) {
        a[0] = operand(step.in[0], field, at, table.sums);
        store(to, a[0]), store(to + vector_words, inverted(a[0])), store(to + 2 * vector_words, zero());
        return;
    } else if (step.kind == Step::line_pairs || step.kind == Step::pairs) {
        V b[3], x[3], y[3];
        if (step.kind == Step::line_pairs) {
            neighbours(words_of(step.in[1].channel, step.in[1], field, at), step.in[2].shift, a);
            neighbours(words_of(step.in[1].other, step.in[1], field, at), step.in[2].shift, b);
        } else {
            for (int i = 0; i < 3; ++i) a[i] = operand(step.in[i], field, at, table.sums);
            for (int i = 0; i < 3; ++i) b[i] = moved(words_of(step.in[i].other, step.in[i], field, at), step.in[i].shift);
        }
        for (int i = 0; i < 3; ++i) x[i] = both(a[i], b[i]), y[i] = inverted(either(a[i], b[i])), a[i] = differ(a[i], b[i]);
        all_pair_forms(x, y, to, high);
        store(table.sums + step.carry * vector_words, most3(a[0], a[1], a[2]));
    } else {
        for (int i = 0; i < 3; ++i) a[i] = operand(step.in[i], field, at, table.sums);
        if (step.kind == Step::any)
            all_forms(a[0], a[1], a[2], to);
        else
            store(table.sums + step.carry * vector_words, most3(a[0], a[1], a[2]));
    }
    store(table.sums + step.slot * vector_words, sum3(a[0], a[1], a[2]));
}

inline V full_adder(V &digit, V a, V b) {
    const V carry = most3(digit, a, b);
    digit = sum3(digit, a, b);
    return carry;
}

// Adds 2^N words of the table to the digits below N and returns the carry.
template <int N> struct Tree {
    static DOCBIN_INLINE V add(const unsigned char *table, const std::uint16_t *offsets, V *digits) {
        const V a = Tree<N - 1>::add(table, offsets, digits), b = Tree<N - 1>::add(table, offsets + (1 << (N - 1)), digits);
        return full_adder(digits[N - 1], a, b);
    }
};
template <> struct Tree<0> {
    static DOCBIN_INLINE V add(const unsigned char *table, const std::uint16_t *offsets, V *) { return load(reinterpret_cast<const u64 *>(table + offsets[0])); }
};

// The same for both halves of a table of pairs at once; the second half's words count twice, so they begin at digit 1.
template <int N> struct PairTree {
    static DOCBIN_INLINE void add(const unsigned char *table, i64 half, const std::uint16_t *offsets, V *digits, V &carry, V &second) {
        V other, other_second;
        PairTree<N - 1>::add(table, half, offsets, digits, carry, second);
        PairTree<N - 1>::add(table, half, offsets + (1 << (N - 1)), digits, other, other_second);
        carry = full_adder(digits[N - 1], carry, other);
        second = full_adder(digits[N], second, other_second);
    }
};
template <> struct PairTree<0> {
    static DOCBIN_INLINE void add(const unsigned char *table, i64 half, const std::uint16_t *offsets, V *, V &carry, V &second) {
        const unsigned char *word = table + offsets[0];
        carry = load(reinterpret_cast<const u64 *>(word)), second = load(reinterpret_cast<const u64 *>(word + half));
    }
};

// One filter after the other: its words of the chunk, added to its digits. Of pairs, the second half's words count twice.
template <int N, bool Pairs> void add_chunk(const Chunk &chunk, const Program &program, const std::uint16_t *offsets, const Table &table) {
    constexpr int held = Pairs ? N + 1 : N;
    u64 *digits = table.digits;
    for (int f = 0; f < program.filters; ++f, offsets += 1 << N, digits += program.digits * vector_words) {
        V low[held];
        for (int i = 0; i < held; ++i) low[i] = chunk.before ? load(digits + i * vector_words) : zero();
        V carry, second = zero();
        if constexpr (!Pairs) {
            carry = Tree<N>::add(table.words, offsets, low);
        } else {
            PairTree<N>::add(table.words, (forms << N) * vector_bytes, offsets, low, carry, second);
            const V digit = low[N];
            low[N] = differ(digit, carry), carry = both(digit, carry);
        }
        for (int i = 0; i < held; ++i) store(digits + i * vector_words, low[i]);
        for (int i = held; i < chunk.after; ++i) {
            V digit = i < chunk.before ? load(digits + i * vector_words) : zero();
            if (Pairs && i == held)
                carry = full_adder(digit, carry, second);
            else {
                const V old = digit;
                digit = differ(old, carry), carry = both(old, carry);
            }
            store(digits + i * vector_words, digit);
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
            store(to, zero());
            if (chunk.paired) store(high, zero());
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
        store(table.last, last), store(table.last + vector_words, inverted(last));
    }
}

// Digit i of N / 2.
inline V shared_digit(const Program &program, const Table &table, int i) {
    return i < program.shared_digits && program.shared[i] >= 0 ? load(table.sums + program.shared[i] * vector_words) : zero();
}

inline i64 scratch(const Program &program) {
    return vector_bytes * ((forms << longest_log2) + slots + static_cast<i64>(program.filters) * program.digits + 2);
}

inline Table table_in(void *scratch, const Program &program) {
    u64 *words = static_cast<u64 *>(scratch);
    u64 *sums = words + (forms << longest_log2) * vector_words, *digits = sums + slots * vector_words;
    return {static_cast<unsigned char *>(scratch), sums, digits, digits + static_cast<i64>(program.filters) * program.digits * vector_words};
}

// Bits p < M of one filter for `Fan` thresholds, whose masks are `stride` apart: digit by digit, with N added on the way.
template <int Fan> inline void compare(const Program &program, const Table &table, const u64 *digits, bool turned, const u64 *masks, i64 stride, V (&less)[Fan]) {
    const auto step = [&](V digit, const u64 *mask) {
        for (int k = 0; k < Fan; ++k) less[k] = most3_turned(less[k], digit, spread(mask[k * stride]));
    };
    for (int k = 0; k < Fan; ++k) less[k] = spread(masks[k * stride]);
    ++masks;
    if (program.last.channel != Operand::nothing) step(load(table.last + (turned ? vector_words : 0)), masks++);
    if (!program.shared_digits) {
        for (int i = 0; i < program.digits; ++i) step(load(digits + i * vector_words), masks++);
        return;
    }
    V carry = zero();
    for (int i = 0; i < program.digits; ++i) {
        V digit = load(digits + i * vector_words);
        carry = full_adder(digit, shared_digit(program, table, i), carry);
        step(digit, masks++);
    }
}

void bits(const Program &program, const Limits &limits, const Field &field, Span span, const u64 *valid, u64 *const *out, int fan_stride,
          void *scratch) {
    const Table table = table_in(scratch, program);
    const i64 fan_masks = static_cast<i64>(program.filters) * limits.stride;
    for (i64 at = span.from; at < span.to; at += vector_words) {
        sum_up(program, field, at, table);
        const V columns = load(valid + at % field.pitch);
        const i64 left = span.to - at;
        const auto put = [&](V less, int fan, int f) {
            u64 *to = out[static_cast<i64>(fan) * fan_stride + program.first_filter + f] + at;
            less = both(less, columns);
            if (left >= vector_words)
                store(to, less);
            else
                store_part(to, less, static_cast<int>(left));
        };
        const u64 *digits = table.digits;
        for (int f = 0; f < program.filters; ++f, digits += program.digits * vector_words) {
            const u64 *masks = limits.masks + static_cast<i64>(f) * limits.stride;
            for (int fan = 0; fan < limits.fan; fan += 2, masks += 2 * fan_masks) {
                V less[2], one[1];
                if (fan + 1 < limits.fan) {
                    compare<2>(program, table, digits, program.turned[f], masks, fan_masks, less);
                    put(less[0], fan, f), put(less[1], fan + 1, f);
                } else {
                    compare<1>(program, table, digits, program.turned[f], masks, fan_masks, one);
                    put(one[0], fan, f);
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
            V carry = zero();
            for (int i = 0; program.shared_digits && i < program.digits; ++i) {
                V digit = load(digits + i * vector_words);
                carry = full_adder(digit, shared_digit(program, table, i), carry);
                store(digits + i * vector_words, digit);
            }
            const u64 *last = program.last.channel == Operand::nothing ? nullptr : table.last + program.turned[f] * vector_words;
            expand(digits, last, program.digits, program.total[f], words, out + f * stride + 64 * (at - span.from));
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

void widen(const u64 *in, u64 *out, i64 words) {
    for (i64 k = 0; k < words; ++k) out[2 * k] = twice(in[k]), out[2 * k + 1] = twice(in[k] >> 32);
}

}  // namespace
