#include "engine/bitsliced_program.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "target.hpp"

namespace docbin::bitsliced {
namespace {

// An operand with the filters' weights for it: 0 or 1 of a tap, their parity in a sum.
struct Signed {
    Operand operand;
    std::vector<std::uint8_t> signs;
};

constexpr Operand nobody{Operand::nothing, 0, 0, -1};

// Collects the steps, and for every step that makes words the form of them that each filter adds.
struct Planner {
    int filters;
    std::vector<Step> steps;
    std::vector<std::vector<std::uint8_t>> form;  // [step][filter]; empty for `count`
    std::vector<int> free_slots;
    std::vector<std::vector<Operand>> counts;  // by binary digit: sums that are part of N, still to be added

    explicit Planner(int count) : filters(count) {
        for (int slot = docbin::bitsliced::slots; slot-- > 0;) free_slots.push_back(slot);
    }

    int slot() {
        const int slot = free_slots.back();  // far more are there than a network of 2^20 taps has sums waiting
        free_slots.pop_back();
        return slot;
    }
    void release(const Operand &o) {
        if (o.channel == Operand::sum_of) free_slots.push_back(o.row);
    }

    // Three neighbours of one row of bits.
    static bool is_adjacent(const Operand &l, const Operand &m, const Operand &r) {
        return l.channel >= 0 && l.channel == m.channel && m.channel == r.channel && l.other == m.other && m.other == r.other && l.row == m.row &&
               m.row == r.row && m.shift == 0 && l.shift == -r.shift && r.shift > 0 && r.shift < 64;
    }

    std::vector<std::uint8_t> forms(const Signed &a, const Signed &b, const Signed &c) const {
        std::vector<std::uint8_t> of(filters);
        for (int f = 0; f < filters; ++f) of[f] = static_cast<std::uint8_t>(a.signs[f] | b.signs[f] << 1 | c.signs[f] << 2);
        return of;
    }

    // Three taps or sums to one word and a sum. The sum may take an operand's slot: those are read before it is written.
    Signed add(const Signed &a, const Signed &b, const Signed &c) {
        form.push_back(forms(a, b, c));
        Signed sum{{Operand::sum_of, 0, 0, -1}, std::vector<std::uint8_t>(filters)};
        for (int f = 0; f < filters; ++f) sum.signs[f] = a.signs[f] ^ b.signs[f] ^ c.signs[f];
        release(a.operand), release(b.operand), release(c.operand);
        sum.operand.row = slot();
        steps.push_back({is_adjacent(a.operand, b.operand, c.operand) ? Step::adjacent : Step::any, {a.operand, b.operand, c.operand}, sum.operand.row, 0});
        return sum;
    }

    // Three pairs to two words, and their t to N.
    void add_pairs(const Signed &a, const Signed &b, const Signed &c) {
        form.push_back(forms(a, b, c));
        const int sum = slot(), carry = slot();
        steps.push_back({is_adjacent(a.operand, b.operand, c.operand) ? Step::adjacent_pairs : Step::pairs, {a.operand, b.operand, c.operand}, sum, carry});
        count(0, {Operand::sum_of, sum, 0, -1});
        count(1, {Operand::sum_of, carry, 0, -1});
    }

    // Part of N at a binary digit; three at one digit are a sum and a carry.
    void count(std::size_t digit, Operand part) {
        if (counts.size() <= digit + 1) counts.resize(digit + 2);
        counts[digit].push_back(part);
        if (counts[digit].size() == 3) add_carry_save(digit);
    }
    void add_carry_save(std::size_t digit) {
        std::vector<Operand> parts = std::move(counts[digit]);
        counts[digit].clear();
        parts.resize(3, nobody);
        for (const Operand &part : parts) release(part);
        const int sum = slot(), carry = slot();
        form.emplace_back();
        steps.push_back({Step::count, {parts[0], parts[1], parts[2]}, sum, carry});
        counts[digit].push_back({Operand::sum_of, sum, 0, -1});
        count(digit + 1, {Operand::sum_of, carry, 0, -1});
    }
    // One part a digit.
    void finish_counts() {
        for (std::size_t digit = 0; digit < counts.size(); ++digit)
            if (counts[digit].size() > 1) add_carry_save(digit);
    }

    // Sums of threes, and of threes of their sums, as soon as there are three, until one is left.
    Signed all(std::vector<Signed> taps) {
        std::vector<std::vector<Signed>> waiting;
        const auto put = [&](Signed sum) {
            for (std::size_t level = 0;; ++level) {
                if (level == waiting.size()) waiting.emplace_back();
                waiting[level].push_back(std::move(sum));
                if (waiting[level].size() < 3) return;
                sum = add(waiting[level][0], waiting[level][1], waiting[level][2]);
                waiting[level].clear();
            }
        };
        std::size_t t = 0;
        for (; t + 3 <= taps.size(); t += 3) put(add(taps[t], taps[t + 1], taps[t + 2]));
        std::vector<Signed> left(std::make_move_iterator(taps.begin() + static_cast<std::ptrdiff_t>(t)), std::make_move_iterator(taps.end()));
        for (auto &level : waiting)
            for (auto &sum : level) left.push_back(std::move(sum));
        while (left.size() > 1) {
            if (left.size() == 2) left.push_back({nobody, std::vector<std::uint8_t>(filters)});
            Signed sum = add(left[0], left[1], left[2]);
            left.erase(left.begin(), left.begin() + 3);
            left.push_back(std::move(sum));
        }
        return std::move(left[0]);
    }
};

// Cuts steps [from, to) into chunks; `reached` is the most that T can be so far, a step's words add up to `each`.
void cut(const std::vector<Step> &steps, int from, int to, bool paired, std::int64_t &reached, std::vector<Chunk> &chunks) {
    const auto makes_words = [](const Step &step) { return step.kind != Step::count; };
    int words = static_cast<int>(std::count_if(steps.begin() + from, steps.begin() + to, makes_words));
    const int longest = paired ? longest_log2 - 1 : longest_log2;
    while (from < to) {
        const int log2 = std::min(longest, words > 48 ? 6 : words > 16 ? 5 : 4), wanted = std::min(words, 1 << log2);
        int end = from;
        for (int made = 0; end < to && (made < wanted || !makes_words(steps[end])); ++end) made += makes_words(steps[end]);
        const int before = chunks.empty() ? 0 : chunks.back().after;
        reached += static_cast<std::int64_t>(paired ? 3 : 1) * wanted;
        const int most = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(reached)));
        chunks.push_back({from, end - from, wanted, log2, before, std::max({before, log2 + paired, most}), paired});
        from = end, words -= wanted;
    }
}

}  // namespace

Convolution::Convolution(Level level, const Filters &filters) : kernels_(target(level).bitsliced), outs_(filters.outs), reach_(filters.reach()) {
    const int per_group = filters.outs / filters.groups;
    for (int group = 0; group < filters.groups; ++group)
        for (int first = 0; first < per_group; first += filters_at_once) plan(filters, group, first, std::min(filters_at_once, per_group - first));
    for (Part &part : parts_) {  // only now do the vectors stay where they are
        part.program.steps = part.steps.data(), part.program.chunks = part.chunks.data();
        part.program.offsets = part.offsets.data(), part.program.inverted = part.inverted.data(), part.program.total = part.total.data();
        part.program.shared = part.shared.data();
    }
}

void Convolution::plan(const Filters &f, int group, int first, int count) {
    const int first_filter = group * (f.outs / f.groups) + first, half = f.kernel / 2, area = f.kernel * f.kernel;
    const auto at = [&](int filter, int channel, int k) {
        return (static_cast<std::int64_t>(first_filter + filter) * f.words + channel / 64) * area + k;
    };
    // Every filter's weight at a channel's place k of the kernel.
    const auto weights = [&](int channel, int k) {
        std::vector<std::uint8_t> bits(count);
        for (int filter = 0; filter < count; ++filter) bits[filter] = f.weights[at(filter, channel, k)] >> channel % 64 & 1;
        return bits;
    };
    const auto tap = [&](int channel, int other, int k) {
        const int base = group * f.channels;
        return Operand{base + channel, (k / f.kernel - half) * f.dilation, (k % f.kernel - half) * f.dilation, other < 0 ? -1 : base + other};
    };
    Planner planner(count);
    Part part;
    part.total.assign(count, f.channels * area);
    part.inverted.assign(count, 0);
    Operand last = nobody;
    std::vector<Chunk> chunks;
    std::int64_t reached = 0;
    if (f.masks) {
        part.total.assign(count, 0);
        for (int c = 0; c < f.channels; ++c)
            for (int k = 0; k < area; ++k) {
                const Operand here = tap(c, -1, k);
                planner.steps.push_back({Step::single, {here, here, here}, 0, 0});
                planner.form.push_back(weights(c, k));
                for (int filter = 0; filter < count; ++filter) {
                    const bool counts = f.masks[at(filter, c, k)] >> c % 64 & 1;
                    part.total[filter] += counts;
                    if (!counts) planner.form.back()[filter] = 2;
                }
            }
        cut(planner.steps, 0, static_cast<int>(planner.steps.size()), false, reached, chunks);
    } else {
        std::map<std::vector<std::uint8_t>, int> waiting;  // channels without a partner, by all their weights
        std::vector<int> partner(f.channels, -1);
        for (int c = 0; c < f.channels; ++c) {
            std::vector<std::uint8_t> all;
            for (int k = 0; k < area; ++k) {
                const std::vector<std::uint8_t> here = weights(c, k);
                all.insert(all.end(), here.begin(), here.end());
            }
            const auto [found, is_new] = waiting.try_emplace(std::move(all), c);
            if (is_new) continue;
            partner[found->second] = c, partner[c] = found->second;
            waiting.erase(found);
        }
        std::vector<Signed> pairs, singles;
        for (int c = 0; c < f.channels; ++c)
            for (int k = 0; k < area && (partner[c] < 0 || c < partner[c]); ++k) (partner[c] < 0 ? singles : pairs).push_back({tap(c, partner[c], k), weights(c, k)});
        while (pairs.size() % 3) {  // those that make no three go one by one
            Signed one = std::move(pairs.back()), other = one;
            pairs.pop_back();
            other.operand.channel = one.operand.other;
            one.operand.other = other.operand.other = -1;
            singles.push_back(std::move(one)), singles.push_back(std::move(other));
        }
        for (std::size_t i = 0; i + 3 <= pairs.size(); i += 3) planner.add_pairs(pairs[i], pairs[i + 1], pairs[i + 2]);
        planner.finish_counts();
        const int paired_steps = static_cast<int>(planner.steps.size());
        cut(planner.steps, 0, paired_steps, true, reached, chunks);
        // N's first digit is one tap more, which no filter's weight turns over; the others are added at the end.
        for (std::size_t digit = 0; digit < planner.counts.size(); ++digit) {
            const std::vector<Operand> &parts = planner.counts[digit];
            if (digit == 0 && !parts.empty()) singles.push_back({parts[0], std::vector<std::uint8_t>(count)});
            if (digit > 0) part.shared.push_back(parts.empty() ? -1 : parts[0].row);
        }
        Signed sum = planner.all(std::move(singles));
        last = sum.operand, part.inverted = std::move(sum.signs);
        cut(planner.steps, paired_steps, static_cast<int>(planner.steps.size()), false, reached, chunks);
    }
    const int vector_bytes = 8 * kernels_.vector_words;
    for (const Chunk &chunk : chunks) {
        std::vector<const std::vector<std::uint8_t> *> words;
        for (int i = 0; i < chunk.steps; ++i)
            if (!planner.form[chunk.first + i].empty()) words.push_back(&planner.form[chunk.first + i]);
        for (int filter = 0; filter < count; ++filter)
            for (int i = 0; i < 1 << chunk.log2; ++i) {
                // Past the last word every filter takes the one zero word there.
                const int word = std::min(i, chunk.words), form = i < chunk.words ? (*words[i])[filter] : 0;
                part.offsets.push_back(static_cast<std::uint16_t>((word * forms + form) * vector_bytes));
            }
    }
    // A chunk finds the digits that it holds in registers. And p <= K, so T + N / 2 <= K / 2: the last chunk leaves digits for that.
    for (std::size_t i = 1; i < chunks.size(); ++i) chunks[i - 1].after = std::max(chunks[i - 1].after, chunks[i].log2 + chunks[i].paired);
    if (!part.shared.empty()) chunks.back().after = std::max(chunks.back().after, static_cast<int>(std::bit_width(static_cast<unsigned>(f.channels * area / 2))));
    for (std::size_t i = 1; i < chunks.size(); ++i) {
        chunks[i].before = chunks[i - 1].after;
        chunks[i].after = std::max(chunks[i].after, chunks[i].before);
    }
    part.steps = std::move(planner.steps), part.chunks = std::move(chunks);
    part.program = {nullptr, nullptr, static_cast<int>(part.chunks.size()), count, first_filter, nullptr, part.chunks.empty() ? 0 : part.chunks.back().after,
                    nullptr, static_cast<int>(part.shared.size()), last, nullptr, nullptr};
    parts_.push_back(std::move(part));
}

void Convolution::set_limits(const std::int32_t *limit, int thresholds) {
    thresholds_ = thresholds;
    for (Part &part : parts_) {
        const Program &p = part.program;
        const int digits = p.digits + (p.last.channel != Operand::nothing), stride = digits + 1;
        part.masks.clear();
        for (int k = 0; k < thresholds; ++k)
            for (int f = 0; f < p.filters; ++f) {
                // p < limit + 1. A limit beyond all digits is "always": start from true, and all ones keep it so.
                const std::int64_t least = std::max<std::int64_t>(0, static_cast<std::int64_t>(limit[static_cast<std::int64_t>(k) * outs_ + p.first_filter + f]) + 1);
                const bool always = least >> digits != 0;
                part.masks.push_back(always ? ~0ULL : 0);
                for (int i = 0; i < digits; ++i) part.masks.push_back(always || (least >> i & 1) ? ~0ULL : 0);
            }
        part.limits = {part.masks.data(), thresholds, stride};
    }
}

std::int64_t Convolution::scratch_bytes() const {
    std::int64_t most = 0;
    for (const Part &part : parts_) most = std::max(most, kernels_.scratch(part.program));
    return most;
}

void Convolution::bits(const Field &field, Span span, const std::uint64_t *valid, std::uint64_t *const *out, void *scratch) const {
    for (const Part &part : parts_) kernels_.bits(part.program, part.limits, field, span, valid, out, outs_, scratch);
}

void Convolution::dots(const Field &field, Span span, std::int16_t *out, std::int64_t stride, void *scratch) const {
    for (const Part &part : parts_) kernels_.dots(part.program, field, span, out + part.program.first_filter * stride, stride, scratch);
}

std::vector<std::uint64_t> valid_columns(std::int64_t width, std::int64_t pitch) {
    std::vector<std::uint64_t> valid(pitch + 8);
    for (std::int64_t k = 0; k < pitch + 8; ++k) {
        const std::int64_t left = std::clamp<std::int64_t>(width - 64 * (k % pitch), 0, 64);
        valid[k] = left == 64 ? ~0ULL : (1ULL << left) - 1;
    }
    return valid;
}

}  // namespace docbin::bitsliced
