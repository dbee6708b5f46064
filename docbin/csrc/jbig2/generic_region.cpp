// The encoder of generic regions. Most of a page is white with white around it, and there every pixel is the same decision in the same context: such a
// run changes the coder's interval by one multiplication, not pixel by pixel. What is left are the pixels about the strokes.
#include "jbig2/generic_region.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace docbin::jbig2 {
namespace {

struct Estimate {
    std::uint16_t less_probable;  // Qe
    std::uint8_t after_more, after_less;
    bool switches;
};

// T.88, table E.1.
constexpr Estimate estimates[47] = {
    {0x5601, 1, 1, true},    {0x3401, 2, 6, false},   {0x1801, 3, 9, false},   {0x0AC1, 4, 12, false},  {0x0521, 5, 29, false},  {0x0221, 38, 33, false},
    {0x5601, 7, 6, true},    {0x5401, 8, 14, false},  {0x4801, 9, 14, false},  {0x3801, 10, 14, false}, {0x3001, 11, 17, false}, {0x2401, 12, 18, false},
    {0x1C01, 13, 20, false}, {0x1601, 29, 21, false}, {0x5601, 15, 14, true},  {0x5401, 16, 14, false}, {0x5101, 17, 15, false}, {0x4801, 18, 16, false},
    {0x3801, 19, 17, false}, {0x3401, 20, 18, false}, {0x3001, 21, 19, false}, {0x2801, 22, 19, false}, {0x2401, 23, 20, false}, {0x2201, 24, 21, false},
    {0x1C01, 25, 22, false}, {0x1801, 26, 23, false}, {0x1601, 27, 24, false}, {0x1401, 28, 25, false}, {0x1201, 29, 26, false}, {0x1101, 30, 27, false},
    {0x0AC1, 31, 28, false}, {0x09C1, 32, 29, false}, {0x08A1, 33, 30, false}, {0x0521, 34, 31, false}, {0x0441, 35, 32, false}, {0x02A1, 36, 33, false},
    {0x0221, 37, 34, false}, {0x0141, 38, 35, false}, {0x0111, 39, 36, false}, {0x0085, 40, 37, false}, {0x0049, 41, 38, false}, {0x0025, 42, 39, false},
    {0x0015, 43, 40, false}, {0x0009, 44, 41, false}, {0x0005, 45, 42, false}, {0x0001, 45, 43, false}, {0x5601, 46, 46, false},
};

// A state of a context: 2 * index of the estimate + the more probable symbol.
struct State {
    std::uint16_t less_probable;
    std::uint8_t after_more, after_less;
};

constexpr std::array<State, 94> states = [] {
    std::array<State, 94> all{};
    for (int i = 0; i < 47; ++i)
        for (int symbol = 0; symbol < 2; ++symbol) {
            const Estimate &one = estimates[i];
            all[2 * i + symbol] = {one.less_probable, static_cast<std::uint8_t>(2 * one.after_more + symbol),
                                   static_cast<std::uint8_t>(2 * one.after_less + (one.switches ? 1 - symbol : symbol))};
        }
    return all;
}();

// The arithmetic encoder of T.88, annex E.2 (figures E.3 to E.12), in its names: A the interval, C the code register, CT the shifts until a byte is out.
class Encoder {
  public:
    explicit Encoder(std::size_t expected) { bytes_.reserve(expected); }

    void code(std::uint8_t &state, unsigned symbol) {
        const State now = states[state];
        const std::uint32_t q = now.less_probable;
        a_ -= q;
        if (symbol == (state & 1u)) {
            if (a_ & 0x8000u) {
                c_ += q;
                return;
            }
            if (a_ < q)
                a_ = q;
            else
                c_ += q;
            state = now.after_more;
        } else {
            if (a_ < q)
                c_ += q;
            else
                a_ = q;
            state = now.after_less;
        }
        renormalize();
    }

    // `count` times the same symbol in the same context. While the interval stays large, a more probable symbol only moves it by Qe.
    void code_run(std::uint8_t &state, unsigned symbol, std::int64_t count) {
        while (count > 0) {
            if (symbol == (state & 1u)) {
                const std::uint32_t q = states[state].less_probable;
                const auto steps = static_cast<std::uint32_t>(std::min<std::int64_t>(count, (a_ - 0x8000u) / q));
                a_ -= steps * q, c_ += steps * q;
                count -= steps;
                if (count == 0) return;
            }
            code(state, symbol);
            --count;
        }
    }

    std::vector<std::uint8_t> finish() {  // FLUSH
        const std::uint32_t upper = c_ + a_;
        c_ |= 0xFFFFu;
        if (c_ >= upper) c_ -= 0x8000u;
        c_ <<= ct_;
        byte_out();
        c_ <<= ct_;
        byte_out();
        if (last_ != 0xFF) put(0xFF);
        put(0xAC);
        bytes_.push_back(static_cast<std::uint8_t>(last_));
        bytes_.erase(bytes_.begin());  // the byte before the first, which is none
        return std::move(bytes_);
    }

  private:
    void renormalize() {
        int shifts = std::countl_zero(static_cast<std::uint16_t>(a_));
        a_ <<= shifts;
        while (shifts >= ct_) {
            c_ <<= ct_;
            shifts -= ct_;
            byte_out();
        }
        c_ <<= shifts;
        ct_ -= shifts;
    }

    void put(std::uint32_t byte) {
        bytes_.push_back(static_cast<std::uint8_t>(last_));
        last_ = byte;
    }

    void byte_out() {
        if (last_ != 0xFF && c_ >= 0x8000000u && ++last_ == 0xFF) c_ &= 0x7FFFFFFu;  // a carry that makes it FF is out
        if (last_ == 0xFF) {  // a bit is stuffed behind FF, where the next carry lands
            put(c_ >> 20);
            c_ &= 0xFFFFFu, ct_ = 7;
        } else {
            put(c_ >> 19 & 0xFFu);
            c_ &= 0x7FFFFu, ct_ = 8;
        }
    }

    std::uint32_t a_ = 0x8000, c_ = 0, last_ = 0;
    int ct_ = 12;
    std::vector<std::uint8_t> bytes_;
};

using Words = std::vector<std::uint64_t>;

// A row as words, the first pixel in the highest bit, and a word of white behind it.
void load(const std::uint8_t *row, std::int64_t width, Words &words) {
    std::fill(words.begin(), words.end(), 0);
    const std::int64_t bytes = (width + 7) / 8;
    for (std::int64_t k = 0; k < bytes; ++k) words[k / 8] |= static_cast<std::uint64_t>(row[k]) << (56 - 8 * (k % 8));
    if (width % 64) words[width / 64] &= ~std::uint64_t{0} << (64 - width % 64);
}

// 64 pixels that begin `ahead` pixels behind the word's first.
std::uint64_t shifted(const Words &words, std::int64_t k, int ahead) { return words[k] << ahead | words[k + 1] >> (64 - ahead); }

// Template 0 (figure 3): four pixels before this one, seven of the row above (x - 3 to x + 3), five of the row above that (x - 2 to x + 2), in one number
// of 16 bits. A step to the right shifts all of it and lets in one pixel of each row.
constexpr unsigned above_field = 4, second_field = 11;
constexpr unsigned kept = 0xFFFFu & ~(1u << second_field | 1u << above_field | 1u);
constexpr unsigned typical_context = 0x9B25;  // 6.2.5.7

void code_row(Encoder &encoder, std::uint8_t *contexts, const Words &row, const Words &above, const Words &second, std::int64_t width) {
    // As it stands left of pixel 0: the rows above are seen three and two pixels ahead.
    unsigned context = static_cast<unsigned>(second[0] >> 62) << second_field | static_cast<unsigned>(above[0] >> 61) << above_field;
    unsigned before = 0;
    for (std::int64_t start = 0; start < width; start += 64) {
        const std::int64_t k = start / 64;
        const std::uint64_t here = row[k], first = shifted(above, k, 3), next = shifted(second, k, 2);
        const std::uint64_t any = here | first | next, all = here & first & next;
        const int count = static_cast<int>(std::min<std::int64_t>(64, width - start));
        for (int x = 0; x < count;) {
            const int bit = 63 - x;
            context = (context << 1 & kept) | static_cast<unsigned>(next >> bit & 1) << second_field | static_cast<unsigned>(first >> bit & 1) << above_field |
                      before;
            if (context == 0 || context == 0xFFFFu) {
                const int run = std::min(count - x, context ? std::countl_one(all << x) : std::countl_zero(any << x));
                if (run > 0) {
                    before = context & 1u;
                    encoder.code_run(contexts[context], before, run);
                    x += run;
                    continue;
                }
            }
            before = static_cast<unsigned>(here >> bit & 1);
            encoder.code(contexts[context], before);
            ++x;
        }
    }
}

}  // namespace

std::vector<std::uint8_t> generic_region(const std::uint8_t *rows, std::ptrdiff_t pitch, std::int64_t width, std::int64_t height, bool typical) {
    Encoder encoder(static_cast<std::size_t>(width / 100 * height / 8 + 1024));
    std::vector<std::uint8_t> contexts(1u << 16, 0);
    const auto words = static_cast<std::size_t>(width / 64 + 2);
    Words row(words), above(words), second(words);
    bool repeats = false;
    for (std::int64_t y = 0; y < height; ++y) {
        load(rows + y * pitch, width, row);
        if (typical) {
            const bool now = row == above;  // above the first row all is white
            encoder.code(contexts[typical_context], now != repeats);
            repeats = now;
        }
        if (!typical || !repeats) code_row(encoder, contexts.data(), row, above, second, width);
        std::swap(second, above);
        std::swap(above, row);
    }
    return encoder.finish();
}

}  // namespace docbin::jbig2
