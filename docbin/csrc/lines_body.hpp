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

struct Table {
    unsigned char *words;  // [2^log2][forms] vectors
    u64 *sums;             // [slots] vectors
    u64 *digits;           // [filters][digits] vectors
    u64 *last;             // [2] vectors: S and S turned over
};

inline V operand(const Operand &o, const Field &field, i64 at, const u64 *sums) {
    if (o.channel >= 0) return moved(field.channels[o.channel] + at + o.row * field.pitch, o.shift);
    return o.channel == Operand::sum_of ? load(sums + o.row * vector_words) : zero();
}

// Form i holds majority(a ^ bit 0 of i, b ^ bit 1, c ^ bit 2).
inline void all_forms(V a, V b, V c, unsigned char *to) {
    u64 *const out = reinterpret_cast<u64 *>(to);
    const V plain = most3(a, b, c), a_turned = most3_turned(b, a, c), b_turned = most3_turned(a, b, c), c_turned = most3_turned(a, c, b);
    store(out, plain), store(out + 1 * vector_words, a_turned), store(out + 2 * vector_words, b_turned), store(out + 4 * vector_words, c_turned);
    store(out + 7 * vector_words, inverted(plain)), store(out + 6 * vector_words, inverted(a_turned));
    store(out + 5 * vector_words, inverted(b_turned)), store(out + 3 * vector_words, inverted(c_turned));
}

inline void make_word(const Step &step, const Field &field, i64 at, const Table &table, unsigned char *to) {
    V a, b, c;
    if (step.kind == Step::line3) {
        const u64 *middle = field.channels[step.in[1].channel] + at + step.in[1].row * field.pitch;
        const int d = step.in[2].shift;
        b = load(middle);
        a = either(left(b, d), right(load(middle - 1), 64 - d));
        c = either(right(b, d), left(load(middle + 1), 64 - d));
    } else {
        a = operand(step.in[0], field, at, table.sums);
        if (step.kind == Step::single) {
            u64 *const out = reinterpret_cast<u64 *>(to);
            store(out, a), store(out + vector_words, inverted(a)), store(out + 2 * vector_words, zero());
            return;
        }
        b = operand(step.in[1], field, at, table.sums), c = operand(step.in[2], field, at, table.sums);
    }
    all_forms(a, b, c, to);
    store(table.sums + step.slot * vector_words, sum3(a, b, c));
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

template <int N> void add_chunk(const Chunk &chunk, const Program &program, const std::uint16_t *offsets, const Table &table) {
    u64 *digits = table.digits;
    for (int f = 0; f < program.filters; ++f, offsets += 1 << N, digits += program.digits * vector_words) {
        V low[N];
        for (int i = 0; i < N; ++i) low[i] = chunk.before ? load(digits + i * vector_words) : zero();
        V carry = Tree<N>::add(table.words, offsets, low);
        for (int i = 0; i < N; ++i) store(digits + i * vector_words, low[i]);
        for (int i = N; i < chunk.before; ++i) {
            const V digit = load(digits + i * vector_words);
            store(digits + i * vector_words, differ(digit, carry));
            carry = both(digit, carry);
        }
        if (chunk.after > chunk.before && chunk.after > N) store(digits + (chunk.after - 1) * vector_words, carry);
    }
}

// T and S of every filter, for the words from `at`.
inline void sum_up(const Program &program, const Field &field, i64 at, const Table &table) {
    const std::uint16_t *offsets = program.offsets;
    for (int k = 0; k < program.chunk_count; ++k) {
        const Chunk &chunk = program.chunks[k];
        unsigned char *to = table.words;
        for (int i = 0; i < chunk.steps; ++i, to += forms * vector_bytes) make_word(program.steps[chunk.first + i], field, at, table, to);
        if (chunk.steps < 1 << chunk.log2) store(reinterpret_cast<u64 *>(to), zero());  // the padding's one form
        switch (chunk.log2) {
            case 4: add_chunk<4>(chunk, program, offsets, table); break;
            case 5: add_chunk<5>(chunk, program, offsets, table); break;
            default: add_chunk<6>(chunk, program, offsets, table); break;
        }
        offsets += static_cast<i64>(program.filters) << chunk.log2;
    }
    if (program.last.channel != Operand::nothing) {
        const V last = operand(program.last, field, at, table.sums);
        store(table.last, last), store(table.last + vector_words, inverted(last));
    }
}

inline i64 scratch(const Program &program) {
    return vector_bytes * ((forms << longest_log2) + slots + static_cast<i64>(program.filters) * program.digits + 2);
}

inline Table table_in(void *scratch, const Program &program) {
    u64 *words = static_cast<u64 *>(scratch);
    u64 *sums = words + (forms << longest_log2) * vector_words, *digits = sums + slots * vector_words;
    return {static_cast<unsigned char *>(scratch), sums, digits, digits + static_cast<i64>(program.filters) * program.digits * vector_words};
}

void bits(const Program &program, const Limits &limits, const Field &field, Span span, const u64 *valid, u64 *const *out, int fan_stride,
          void *scratch) {
    const Table table = table_in(scratch, program);
    for (i64 at = span.from; at < span.to; at += vector_words) {
        sum_up(program, field, at, table);
        const V columns = load(valid + at % field.pitch);
        const i64 left = span.to - at;
        for (int fan = 0; fan < limits.fan; ++fan) {
            const u64 *digits = table.digits, *mask = limits.masks + static_cast<i64>(fan) * program.filters * limits.stride;
            u64 *const *to = out + static_cast<i64>(fan) * fan_stride + program.first_filter;
            for (int f = 0; f < program.filters; ++f, digits += program.digits * vector_words, mask += limits.stride) {
                const u64 *m = mask;
                V less = spread(*m++);
                if (program.last.channel != Operand::nothing) less = most3_turned(less, load(table.last + program.turned[f] * vector_words), spread(*m++));
                for (int i = 0; i < program.digits; ++i) less = most3_turned(less, load(digits + i * vector_words), spread(*m++));
                less = both(less, columns);
                if (left >= vector_words)
                    store(to[f] + at, less);
                else
                    store_part(to[f] + at, less, static_cast<int>(left));
            }
        }
    }
}

void dots(const Program &program, const Field &field, Span span, std::int16_t *out, i64 stride, void *scratch) {
    const Table table = table_in(scratch, program);
    const bool has_last = program.last.channel != Operand::nothing;
    for (i64 at = span.from; at < span.to; at += vector_words) {
        sum_up(program, field, at, table);
        const u64 *digits = table.digits;
        const int words = static_cast<int>(span.to - at < vector_words ? span.to - at : vector_words);
        for (int f = 0; f < program.filters; ++f, digits += program.digits * vector_words) {
            const u64 *last = has_last ? table.last + program.turned[f] * vector_words : nullptr;
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
