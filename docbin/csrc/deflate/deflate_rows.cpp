#include "deflate/deflate_rows.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace docbin::deflate {
namespace {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i32 = std::int32_t;

constexpr i32 window = 32768, least = 3, longest = 258;
constexpr i32 enough = 64;       // a match of so many bytes is taken without looking further
constexpr i32 chain = 8;         // earlier places that are tried
constexpr i32 lazy = 24;         // after a match of so many bytes the next place is not asked for a longer one
constexpr i32 far_for_three = 4096;  // three bytes so far away cost more than three literals
constexpr u32 block_tokens = 1 << 14;
constexpr int hash_bits = 15;

// --- codes ----------------------------------------------------------------------------------------------------------------------------------

constexpr int literals = 286, distances = 30, lengths_of_code = 19, end_of_block = 256;

struct Symbols {
    std::array<u8, 259> length_code{};      // of a length, less 257
    std::array<u8, 29> length_extra{};
    std::array<u16, 29> length_base{};
    std::array<u8, 512> distance_code{};    // of distance - 1 below 256, else of 256 + (distance - 1 >> 7)
    std::array<u8, 30> distance_extra{};
    std::array<u16, 30> distance_base{};

    constexpr Symbols() {
        int length = least;
        for (int code = 0; code < 28; ++code) {
            length_extra[code] = static_cast<u8>(code < 8 ? 0 : (code - 4) / 4);
            length_base[code] = static_cast<u16>(length);
            for (int i = 0; i < 1 << length_extra[code] && length < longest; ++i) length_code[length++] = static_cast<u8>(code);
        }
        length_base[28] = longest, length_code[longest] = 28;
        int distance = 1;
        for (int code = 0; code < distances; ++code) {
            distance_extra[code] = static_cast<u8>(code < 4 ? 0 : (code - 2) / 2);
            distance_base[code] = static_cast<u16>(distance);
            for (int i = 0; i < 1 << distance_extra[code]; ++i, ++distance) {
                if (distance <= 256) distance_code[distance - 1] = static_cast<u8>(code);
                if (distance > 256 && (distance - 1) % 128 == 0) distance_code[256 + ((distance - 1) >> 7)] = static_cast<u8>(code);
            }
        }
    }

    constexpr int of_distance(i32 distance) const { return distance <= 256 ? distance_code[distance - 1] : distance_code[256 + ((distance - 1) >> 7)]; }
};

constexpr Symbols symbols;

// Lengths of a Huffman code of at most `limit` bits; 0 for symbols that do not occur. At least two symbols get a code, as decoders want it.
template <std::size_t count> void code_lengths(std::array<u32, count> &often, int limit, std::array<u8, count> &bits) {
    for (std::size_t symbol = 0; std::count_if(often.begin(), often.end(), [](u32 n) { return n > 0; }) < 2; ++symbol)
        if (often[symbol] == 0) often[symbol] = 1;
    struct Node {
        u64 weight;
        i32 parent;
    };
    std::array<u16, count> order;
    int used = 0;
    for (std::size_t symbol = 0; symbol < count; ++symbol)
        if (often[symbol] > 0) order[used++] = static_cast<u16>(symbol);
    std::sort(order.begin(), order.begin() + used, [&](u16 a, u16 b) { return often[a] != often[b] ? often[a] < often[b] : a < b; });
    std::array<Node, 2 * count> nodes;
    for (int i = 0; i < used; ++i) nodes[i] = {often[order[i]], -1};
    int leaf = 0, inner = used, made = used;
    const auto lightest = [&] { return leaf < used && (inner == made || nodes[leaf].weight <= nodes[inner].weight) ? leaf++ : inner++; };
    while (made < 2 * used - 1) {
        const int a = lightest(), b = lightest();
        nodes[made] = {nodes[a].weight + nodes[b].weight, -1};
        nodes[a].parent = nodes[b].parent = made++;
    }
    std::array<int, 2 * count> depth;
    std::array<int, 64> of_depth{};
    depth[made - 1] = 0;
    for (int node = made - 2; node >= 0; --node) {
        depth[node] = depth[nodes[node].parent] + 1;
        if (node < used) ++of_depth[std::min(depth[node], limit)];
    }
    // Codes cut to the limit are too many; each step takes one of them away and lengthens a shorter one (Kraft's sum in units of the longest code).
    u32 sum = 0;
    for (int length = 1; length <= limit; ++length) sum += static_cast<u32>(of_depth[length]) << (limit - length);
    for (; sum > 1u << limit; --sum) {
        --of_depth[limit];
        for (int length = limit - 1; length > 0; --length)
            if (of_depth[length] > 0) {
                --of_depth[length], of_depth[length + 1] += 2;
                break;
            }
    }
    bits.fill(0);
    for (int length = limit, next = 0; length > 0; --length)
        for (int i = 0; i < of_depth[length]; ++i) bits[order[next++]] = static_cast<u8>(length);
}

// The codes themselves, their bits turned round: DEFLATE sends a code's first bit first.
template <std::size_t count> void codes(const std::array<u8, count> &bits, std::array<u16, count> &code) {
    std::array<u32, 17> of_length{}, next{};
    for (const u8 length : bits) ++of_length[length];
    of_length[0] = 0;
    for (int length = 1; length <= 15; ++length) next[length + 1] = (next[length] + of_length[length]) << 1;
    for (std::size_t symbol = 0; symbol < count; ++symbol) {
        u32 value = bits[symbol] ? next[bits[symbol]]++ : 0, turned = 0;
        for (int i = 0; i < bits[symbol]; ++i, value >>= 1) turned = turned << 1 | (value & 1);
        code[symbol] = static_cast<u16>(turned);
    }
}

class Bits {
  public:
    explicit Bits(std::vector<u8> &bytes) : bytes_(bytes) {}

    void put(u32 value, int count) {  // count is at most 32
        held_ |= static_cast<u64>(value) << filled_;
        filled_ += count;
        if (filled_ < 32) return;
        const std::array<u8, 4> four{static_cast<u8>(held_), static_cast<u8>(held_ >> 8), static_cast<u8>(held_ >> 16), static_cast<u8>(held_ >> 24)};
        bytes_.insert(bytes_.end(), four.begin(), four.end());
        held_ >>= 32, filled_ -= 32;
    }

    void end() {
        for (; filled_ > 0; held_ >>= 8, filled_ -= 8) bytes_.push_back(static_cast<u8>(held_));
        filled_ = 0;
    }

  private:
    std::vector<u8> &bytes_;
    u64 held_ = 0;
    int filled_ = 0;
};

// --- a block --------------------------------------------------------------------------------------------------------------------------------

struct Token {
    u16 length;    // 0: a literal
    u16 distance;  // less one, so that 32768 fits; or the literal
};

class Block {
  public:
    void clear() {
        tokens.clear();
        literal_often.fill(0), distance_often.fill(0);
    }

    void literal(u8 value) {
        tokens.push_back({0, value});
        ++literal_often[value];
    }

    void match(i32 length, i32 distance) {
        tokens.push_back({static_cast<u16>(length), static_cast<u16>(distance - 1)});
        ++literal_often[257 + symbols.length_code[length]];
        ++distance_often[symbols.of_distance(distance)];
    }

    void write(Bits &out, bool last) {
        literal_often[end_of_block] = 1;
        std::array<u8, literals> literal_bits;
        std::array<u8, distances> distance_bits;
        std::array<u16, literals> literal_code;
        std::array<u16, distances> distance_code;
        code_lengths(literal_often, 15, literal_bits);
        code_lengths(distance_often, 15, distance_bits);
        codes(literal_bits, literal_code);
        codes(distance_bits, distance_code);
        out.put(last ? 1 : 0, 1), out.put(2, 2);
        header(out, literal_bits, distance_bits);
        for (const Token &token : tokens) {
            if (token.length == 0) {
                out.put(literal_code[token.distance], literal_bits[token.distance]);
                continue;
            }
            const int of_length = symbols.length_code[token.length], symbol = 257 + of_length;
            out.put(literal_code[symbol] | static_cast<u32>(token.length - symbols.length_base[of_length]) << literal_bits[symbol],
                    literal_bits[symbol] + symbols.length_extra[of_length]);
            const i32 distance = token.distance + 1;
            const int of_distance = symbols.of_distance(distance);
            out.put(distance_code[of_distance] | static_cast<u32>(distance - symbols.distance_base[of_distance]) << distance_bits[of_distance],
                    distance_bits[of_distance] + symbols.distance_extra[of_distance]);
        }
        out.put(literal_code[end_of_block], literal_bits[end_of_block]);
    }

    std::vector<Token> tokens;

  private:
    // The lengths of both codes, runs of them shortened, in a third code.
    static void header(Bits &out, const std::array<u8, literals> &literal_bits, const std::array<u8, distances> &distance_bits) {
        int many = literals, far = distances;
        while (many > 257 && literal_bits[many - 1] == 0) --many;
        while (far > 1 && distance_bits[far - 1] == 0) --far;
        std::vector<u8> all(literal_bits.begin(), literal_bits.begin() + many);
        all.insert(all.end(), distance_bits.begin(), distance_bits.begin() + far);
        struct Run {
            u8 symbol, extra, extra_bits;
        };
        std::vector<Run> runs;
        for (std::size_t at = 0; at < all.size();) {
            std::size_t end = at;
            while (end < all.size() && all[end] == all[at]) ++end;
            std::size_t left = end - at;
            if (all[at] == 0) {
                for (; left >= 11; left -= std::min<std::size_t>(left, 138)) runs.push_back({18, static_cast<u8>(std::min<std::size_t>(left, 138) - 11), 7});
                if (left >= 3) runs.push_back({17, static_cast<u8>(left - 3), 3}), left = 0;
            } else {
                runs.push_back({all[at], 0, 0}), --left;
                for (; left >= 3; left -= std::min<std::size_t>(left, 6)) runs.push_back({16, static_cast<u8>(std::min<std::size_t>(left, 6) - 3), 2});
            }
            for (; left > 0; --left) runs.push_back({all[at], 0, 0});
            at = end;
        }
        std::array<u32, lengths_of_code> often{};
        std::array<u8, lengths_of_code> bits;
        std::array<u16, lengths_of_code> code;
        for (const Run &run : runs) ++often[run.symbol];
        code_lengths(often, 7, bits);
        codes(bits, code);
        constexpr std::array<u8, lengths_of_code> sent{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
        int count = lengths_of_code;
        while (count > 4 && bits[sent[count - 1]] == 0) --count;
        out.put(static_cast<u32>(many - 257), 5), out.put(static_cast<u32>(far - 1), 5), out.put(static_cast<u32>(count - 4), 4);
        for (int i = 0; i < count; ++i) out.put(bits[sent[i]], 3);
        for (const Run &run : runs) out.put(code[run.symbol] | static_cast<u32>(run.extra) << bits[run.symbol], bits[run.symbol] + run.extra_bits);
    }

    std::array<u32, literals> literal_often{};
    std::array<u32, distances> distance_often{};
};

// --- matches --------------------------------------------------------------------------------------------------------------------------------

// Equal bytes at two places, at most `most`.
i32 equal(const u8 *a, const u8 *b, i32 most) {
    i32 length = 0;
    if constexpr (std::endian::native == std::endian::little)
        for (; length + 8 <= most; length += 8) {
            u64 x, y;
            std::memcpy(&x, a + length, 8), std::memcpy(&y, b + length, 8);
            if (x != y) return length + (std::countr_zero(x ^ y) >> 3);
        }
    while (length < most && a[length] == b[length]) ++length;
    return length;
}

struct Match {
    i32 length, distance;
};

class Matches {
  public:
    Matches(const u8 *data, i32 size, i32 stride) : data_(data), size_(size), stride_(stride), head_(1 << hash_bits, -1), before_(window, -1) {}

    // The longest match at `at`, longer than `shortest`; length 0 where there is none.
    Match find(i32 at, i32 shortest) const {
        const i32 most = std::min(longest, size_ - at);
        Match best{shortest, 0};
        const auto offer = [&](i32 from) {
            const i32 length = equal(data_ + from, data_ + at, most);
            if (length > best.length) best = {length, at - from};
        };
        if (at >= stride_) offer(at - stride_);
        if (best.length < enough && at > 0) offer(at - 1);
        if (most >= 4) {
            i32 from = head_[hash(at)];
            for (int tries = chain; tries > 0 && from >= 0 && at - from <= window && best.length < std::min(enough, most); --tries) {
                // Only what differs from the best so far in its last byte can be no longer.
                if (best.length == 0 || data_[from + best.length] == data_[at + best.length]) offer(from);
                const i32 next = before_[from & (window - 1)];
                if (next >= from) break;
                from = next;
            }
        }
        if (best.distance == 0 || best.length < least || (best.length == least && best.distance > far_for_three)) return {0, 0};
        return best;
    }

    void enter(i32 at) {
        if (at + 4 > size_) return;
        i32 &head = head_[hash(at)];
        before_[at & (window - 1)] = head;
        head = at;
    }

  private:
    u32 hash(i32 at) const {
        u32 word;
        std::memcpy(&word, data_ + at, 4);
        return word * 2654435761u >> (32 - hash_bits);
    }

    const u8 *data_;
    i32 size_, stride_;
    std::vector<i32> head_, before_;
};

}  // namespace

std::vector<u8> deflate_rows(const u8 *data, std::int64_t bytes, std::int64_t stride) {
    if (bytes < 1 || bytes > 1 << 30 || stride < 1 || stride > window) throw std::invalid_argument("deflate_rows: 1 to 2^30 bytes, rows of 1 to 32768 bytes");
    const auto size = static_cast<i32>(bytes);
    std::vector<u8> result;
    result.reserve(static_cast<std::size_t>(bytes / 4 + 1024));
    Bits out(result);
    Matches matches(data, size, static_cast<i32>(stride));
    Block block;
    block.tokens.reserve(block_tokens + 2);
    block.clear();
    Match found = matches.find(0, 0);
    for (i32 at = 0; at < size;) {
        matches.enter(at);
        Match next{0, 0};
        if (found.length > 0 && found.length < lazy && at + 1 < size) next = matches.find(at + 1, found.length);
        if (found.length == 0 || next.length > 0) {
            block.literal(data[at++]);
            found = next.length > 0 ? next : at < size ? matches.find(at, 0) : Match{0, 0};
        } else {
            block.match(found.length, found.distance);
            const i32 end = at + found.length;
            // Of a run only the end is entered: all its places look alike, and would fill the chains.
            for (i32 inside = found.distance == 1 ? std::max(at + 1, end - 3) : at + 1; inside < end; ++inside) matches.enter(inside);
            at = end;
            found = at < size ? matches.find(at, 0) : Match{0, 0};
        }
        if (block.tokens.size() >= block_tokens) {
            block.write(out, at >= size);
            block.clear();
            if (at >= size) {
                out.end();
                return result;
            }
        }
    }
    block.write(out, true);
    out.end();
    return result;
}

}  // namespace docbin::deflate
