#include "lines_program.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace docbin::lines {
namespace {

struct Tap {
    Operand at;
    int word, bit, ky, kx;  // where its weight is
};

std::vector<Tap> taps_of(const Filters &f, int first_channel) {
    std::vector<Tap> taps;
    const int half = f.kernel / 2;
    for (int c = 0; c < f.channels; ++c)
        for (int ky = 0; ky < f.kernel; ++ky)
            for (int kx = 0; kx < f.kernel; ++kx)
                taps.push_back({{first_channel + c, (ky - half) * f.dilation, (kx - half) * f.dilation}, c / 64, c % 64, ky, kx});
    return taps;
}

// An operand with the filters' signs for it: the weight of a tap, the parity of the weights in a sum.
struct Signed {
    Operand operand;
    std::vector<std::uint8_t> signs;
};

// Collects the steps and, for every filter, the form of each step's word that it adds.
struct Sums {
    int filters;
    std::vector<Step> steps;
    std::vector<std::vector<std::uint8_t>> form;  // [step][filter]
    std::vector<int> free_slots;

    explicit Sums(int count) : filters(count) {
        for (int slot = docbin::lines::slots; slot-- > 0;) free_slots.push_back(slot);
    }

    Signed add(const Signed &a, const Signed &b, const Signed &c) {
        const Operand &l = a.operand, &m = b.operand, &r = c.operand;
        const bool line = l.channel >= 0 && l.channel == m.channel && m.channel == r.channel && l.row == m.row && m.row == r.row && m.shift == 0 &&
                          l.shift == -r.shift && r.shift > 0 && r.shift < 64;
        Signed sum{{Operand::sum_of, 0, 0}, std::vector<std::uint8_t>(filters)};
        form.emplace_back(filters);
        for (int f = 0; f < filters; ++f) {
            form.back()[f] = static_cast<std::uint8_t>(a.signs[f] | b.signs[f] << 1 | c.signs[f] << 2);
            sum.signs[f] = a.signs[f] ^ b.signs[f] ^ c.signs[f];
        }
        for (const Signed *used : {&a, &b, &c})  // their slots are read before the sum is written
            if (used->operand.channel == Operand::sum_of) free_slots.push_back(used->operand.row);
        sum.operand.row = free_slots.back();
        free_slots.pop_back();
        steps.push_back({line ? Step::line3 : Step::any, {l, m, r}, sum.operand.row});
        return sum;
    }

    // Sums of threes, and of threes of their sums, as soon as there are three, until one is left.
    Operand all(std::vector<Signed> taps, std::vector<std::uint8_t> &turned) {
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
            if (left.size() == 2) left.push_back({{Operand::nothing, 0, 0}, std::vector<std::uint8_t>(filters)});
            Signed sum = add(left[0], left[1], left[2]);
            left.erase(left.begin(), left.begin() + 3);
            left.push_back(std::move(sum));
        }
        turned = std::move(left[0].signs);
        return left[0].operand;
    }
};

std::vector<Chunk> chunks_of(int words) {
    std::vector<Chunk> chunks;
    for (int first = 0; first < words;) {
        const int left = words - first, log2 = left > 48 ? 6 : left > 16 ? 5 : 4, steps = std::min(left, 1 << log2);
        const int before = chunks.empty() ? 0 : chunks.back().after;
        const int most = static_cast<int>(std::bit_width(static_cast<unsigned>(first + steps)));
        chunks.push_back({first, steps, log2, before, std::max({before, log2, most})});
        first += steps;
    }
    return chunks;
}

}  // namespace

Convolution::Convolution(Level level, const Filters &filters) : kernels_(kernels(level)), outs_(filters.outs), reach_(filters.reach()) {
    const int per_group = filters.outs / filters.groups;
    for (int group = 0; group < filters.groups; ++group)
        for (int first = 0; first < per_group; first += filters_at_once) plan(filters, group, first, std::min(filters_at_once, per_group - first));
    for (Part &part : parts_) {  // only now do the vectors stay where they are
        part.program.steps = part.steps.data(), part.program.chunks = part.chunks.data();
        part.program.offsets = part.offsets.data(), part.program.turned = part.turned.data(), part.program.total = part.total.data();
    }
}

void Convolution::plan(const Filters &f, int group, int first, int count) {
    const int first_filter = group * (f.outs / f.groups) + first;
    const std::vector<Tap> taps = taps_of(f, group * f.channels);
    const auto at = [&](const Tap &tap, int filter) {
        return ((static_cast<std::int64_t>(first_filter + filter) * f.words + tap.word) * f.kernel + tap.ky) * f.kernel + tap.kx;
    };
    Sums sums(count);
    Part part;
    part.turned.assign(count, 0);
    part.total.assign(count, static_cast<std::int32_t>(taps.size()));
    Operand last{Operand::nothing, 0, 0};
    if (f.masks) {
        for (int filter = 0; filter < count; ++filter) part.total[filter] = 0;
        for (const Tap &tap : taps) {
            sums.steps.push_back({Step::single, {tap.at, tap.at, tap.at}, 0});
            sums.form.emplace_back(count);
            for (int filter = 0; filter < count; ++filter) {
                const bool counts = f.masks[at(tap, filter)] >> tap.bit & 1;
                part.total[filter] += counts;
                sums.form.back()[filter] = counts ? static_cast<std::uint8_t>(f.weights[at(tap, filter)] >> tap.bit & 1) : 2;
            }
        }
    } else {
        std::vector<Signed> all;
        for (const Tap &tap : taps) {
            all.push_back({tap.at, std::vector<std::uint8_t>(count)});
            for (int filter = 0; filter < count; ++filter) all.back().signs[filter] = f.weights[at(tap, filter)] >> tap.bit & 1;
        }
        last = sums.all(std::move(all), part.turned);
    }
    part.steps = std::move(sums.steps);
    part.chunks = chunks_of(static_cast<int>(part.steps.size()));
    const int vector_bytes = 8 * kernels_.vector_words;
    for (const Chunk &chunk : part.chunks)
        for (int filter = 0; filter < count; ++filter)
            for (int i = 0; i < 1 << chunk.log2; ++i) {
                // Past the last step every filter takes the one zero word there.
                const int word = std::min(i, chunk.steps), form = i < chunk.steps ? sums.form[chunk.first + i][filter] : 0;
                part.offsets.push_back(static_cast<std::uint16_t>((word * forms + form) * vector_bytes));
            }
    part.program = {nullptr, nullptr, static_cast<int>(part.chunks.size()), count, first_filter, nullptr,
                    part.chunks.empty() ? 0 : part.chunks.back().after, last, nullptr, nullptr};
    parts_.push_back(std::move(part));
}

void Convolution::set_limits(const std::int32_t *limit, int fan) {
    fan_ = fan;
    for (Part &part : parts_) {
        const Program &p = part.program;
        const int digits = p.digits + (p.last.channel != Operand::nothing), stride = digits + 1;
        part.masks.clear();
        for (int k = 0; k < fan; ++k)
            for (int f = 0; f < p.filters; ++f) {
                // p < limit + 1. A limit beyond all digits is "always": start from true, and all ones keep it so.
                const std::int64_t least = std::max<std::int64_t>(0, static_cast<std::int64_t>(limit[static_cast<std::int64_t>(k) * outs_ + p.first_filter + f]) + 1);
                const bool always = least >> digits != 0;
                part.masks.push_back(always ? ~0ULL : 0);
                for (int i = 0; i < digits; ++i) part.masks.push_back(always || (least >> i & 1) ? ~0ULL : 0);
            }
        part.limits = {part.masks.data(), fan, stride};
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

}  // namespace docbin::lines
