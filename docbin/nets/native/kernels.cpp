// What lies between the convolutions of a training step on a CPU: norm with clipping, and the gradients of depthwise convolutions.
// Maps are bfloat16 in channels_last, so a map is `rows` pixels of `channels` neighbouring numbers; sums are float32 over blocks, float64 over all.
// Built on the machine that trains, for its own instructions (docbin/nets/native/__init__.py); loops run over channels, so the compiler makes vectors.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using bf16 = std::uint16_t;

inline float wide(bf16 value) {
    const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

// Rounds to the nearest, ties to even, as torch does. Maps hold no NaN.
inline bf16 narrow(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<bf16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Calls each(part, from, to) for `parts` shares of 0..count, at once.
template <class Each> void shared_out(int parts, std::int64_t count, Each each) {
    parts = static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>(parts, count)));
    std::vector<std::thread> others;
    for (int part = 1; part < parts; ++part) others.emplace_back(each, part, count * part / parts, count * (part + 1) / parts);
    each(0, 0, count / parts);
    for (std::thread &thread : others) thread.join();
}

constexpr std::int64_t kBlock = 256;

// Sums over rows of two numbers a channel: add(row, first, second) adds a row's numbers to float32 sums, which go to float64 after each block.
template <class Add> void sums(int threads, std::int64_t rows, std::int64_t channels, double *first, double *second, Add add) {
    std::vector<std::vector<double>> parts(threads);
    shared_out(threads, rows, [&](int part, std::int64_t from, std::int64_t to) {
        std::vector<double> &all = parts[part];
        all.assign(2 * channels, 0.0);
        std::vector<float> block(2 * channels);
        for (std::int64_t start = from; start < to; start += kBlock) {
            std::fill(block.begin(), block.end(), 0.0f);
            const std::int64_t end = std::min(to, start + kBlock);
            for (std::int64_t row = start; row < end; ++row) add(row, block.data(), block.data() + channels);
            for (std::int64_t c = 0; c < 2 * channels; ++c) all[c] += block[c];
        }
    });
    std::fill(first, first + channels, 0.0);
    std::fill(second, second + channels, 0.0);
    for (const std::vector<double> &all : parts) {
        if (all.empty()) continue;
        for (std::int64_t c = 0; c < channels; ++c) {
            first[c] += all[c];
            second[c] += all[channels + c];
        }
    }
}

// Weight gradient of one row of taps: sums[kx] += gradient * x over a row of the output, for 32 channels.
template <int K, int S>
void weight_row(const bf16 *__restrict x, const bf16 *__restrict gradient, std::int64_t width, std::int64_t out_width, std::int64_t channels,
                std::int64_t padding, int lanes, float (*__restrict total)[32]) {
    const auto tap = [&](std::int64_t ox, int kx, const float *g, float *into) {
        const bf16 *from = x + (ox * S + kx - padding) * channels;
        for (int c = 0; c < 32; ++c) into[c] += g[c] * wide(from[c]);
    };
    const auto tap_some = [&](std::int64_t ox, int kx) {
        const std::int64_t at = ox * S + kx - padding;
        if (at < 0 || at >= width) return;
        for (int c = 0; c < lanes; ++c) total[kx][c] += wide(gradient[ox * channels + c]) * wide(x[at * channels + c]);
    };
    const std::int64_t first = std::min(out_width, (padding + S - 1) / S);
    const std::int64_t room = width - K + padding;
    const std::int64_t last = lanes < 32 || room < 0 ? first : std::max(first, std::min(out_width, room / S + 1));
    for (std::int64_t ox = 0; ox < first; ++ox)
        for (int kx = 0; kx < K; ++kx) tap_some(ox, kx);
    float sum[K][32];
    for (int kx = 0; kx < K; ++kx)
        for (int c = 0; c < 32; ++c) sum[kx][c] = 0.0f;
    for (std::int64_t ox = first; ox < last; ++ox) {
        float g[32];
        for (int c = 0; c < 32; ++c) g[c] = wide(gradient[ox * channels + c]);
#pragma GCC unroll 5
        for (int kx = 0; kx < K; ++kx) tap(ox, kx, g, sum[kx]);
    }
    for (int kx = 0; kx < K; ++kx)
        for (int c = 0; c < 32; ++c) total[kx][c] += sum[kx][c];
    for (std::int64_t ox = last; ox < out_width; ++ox)
        for (int kx = 0; kx < K; ++kx) tap_some(ox, kx);
}

template <int K, int S>
void weights_of(const bf16 *x, const bf16 *gradient, const std::int64_t *shape, std::int64_t padding, int threads, float *out) {
    const std::int64_t batch = shape[0], height = shape[1], width = shape[2], channels = shape[3], out_height = shape[4], out_width = shape[5];
    shared_out(threads, (channels + 31) / 32, [&](int, std::int64_t from, std::int64_t to) {
        for (std::int64_t start = from * 32; start < std::min(channels, to * 32); start += 32) {
            const int lanes = static_cast<int>(std::min<std::int64_t>(32, channels - start));
            double all[K][K][32] = {};
            for (std::int64_t n = 0; n < batch; ++n)
                for (std::int64_t oy = 0; oy < out_height; ++oy)
                    for (int ky = 0; ky < K; ++ky) {
                        const std::int64_t y = oy * S + ky - padding;
                        if (y < 0 || y >= height) continue;
                        float total[K][32] = {};
                        weight_row<K, S>(x + ((n * height + y) * width) * channels + start, gradient + ((n * out_height + oy) * out_width) * channels + start,
                                         width, out_width, channels, padding, lanes, total);
                        for (int kx = 0; kx < K; ++kx)
                            for (int c = 0; c < 32; ++c) all[ky][kx][c] += total[kx][c];
                    }
            for (int ky = 0; ky < K; ++ky)
                for (int kx = 0; kx < K; ++kx)
                    for (int c = 0; c < lanes; ++c) out[((start + c) * K + ky) * K + kx] = static_cast<float>(all[ky][kx][c]);
        }
    });
}

// The norm as y = x * factor + offset.
struct Affine {
    std::vector<float> factor, offset;
    Affine(std::int64_t channels, const float *mean, const float *scale, const float *weight, const float *bias) : factor(channels), offset(channels) {
        for (std::int64_t c = 0; c < channels; ++c) {
            factor[c] = scale[c] * weight[c];
            offset[c] = bias[c] - mean[c] * factor[c];
        }
    }
};

// The backward pass of a norm with something behind it; through(row, channel, y) is the gradient that arrives at y.
struct Backward {
    const bf16 *x, *gradient;
    std::int64_t rows, channels;
    const float *mean, *scale, *factor, *offset;
    int batch, threads;
    bf16 *of_x, *of_residual;
    float *of_weight, *of_bias;

    template <class Through> void run(Through through) const {
        const bf16 *x = this->x;
        const std::int64_t channels = this->channels, rows = this->rows;
        const float *f = factor, *o = offset, *centre = mean;
        std::vector<double> first(channels), second(channels);
        sums(threads, rows, channels, first.data(), second.data(), [=](std::int64_t row, float *__restrict sum, float *__restrict along) {
            const bf16 *__restrict in = x + row * channels;
#pragma GCC ivdep
            for (std::int64_t c = 0; c < channels; ++c) {
                const float value = wide(in[c]), arrived = through(row, c, value * f[c] + o[c]);
                sum[c] += arrived;
                along[c] += arrived * (value - centre[c]);
            }
        });
        std::vector<float> constant(channels), slope(channels);
        for (std::int64_t c = 0; c < channels; ++c) {
            of_bias[c] = static_cast<float>(first[c]);
            of_weight[c] = static_cast<float>(second[c] * scale[c]);
            // of_x = factor * (arrived - mean(arrived) - (x - mean) * scale^2 * mean(arrived * (x - mean)))
            slope[c] = batch ? static_cast<float>(f[c] * scale[c] * scale[c] * second[c] / rows) : 0.0f;
            constant[c] = batch ? static_cast<float>(f[c] * first[c] / rows) - slope[c] * mean[c] : 0.0f;
        }
        bf16 *of_x = this->of_x, *of_residual = this->of_residual;
        shared_out(threads, rows, [&](int, std::int64_t from, std::int64_t to) {
            const float *k = constant.data(), *s = slope.data();
            for (std::int64_t row = from; row < to; ++row) {
                const bf16 *__restrict in = x + row * channels;
                bf16 *__restrict put = of_x + row * channels;
                if (of_residual == nullptr) {
#pragma GCC ivdep
                    for (std::int64_t c = 0; c < channels; ++c) {
                        const float value = wide(in[c]), arrived = through(row, c, value * f[c] + o[c]);
                        put[c] = narrow(arrived * f[c] - k[c] - s[c] * value);
                    }
                } else {
                    bf16 *__restrict also = of_residual + row * channels;
#pragma GCC ivdep
                    for (std::int64_t c = 0; c < channels; ++c) {
                        const float value = wide(in[c]), arrived = through(row, c, value * f[c] + o[c]);
                        put[c] = narrow(arrived * f[c] - k[c] - s[c] * value);
                        also[c] = narrow(arrived);
                    }
                }
            }
        });
    }
};

}  // namespace

extern "C" {

// Mean and 1 / sqrt(variance + eps) of every channel; the variance of all pixels, not of a sample, in `variance`.
void docbin_norm_statistics(const bf16 *x, std::int64_t rows, std::int64_t channels, const float *about, float eps, int threads, float *mean,
                            float *variance, float *scale) {
    std::vector<double> first(channels), second(channels);
    sums(threads, rows, channels, first.data(), second.data(), [=](std::int64_t row, float *__restrict sum, float *__restrict squares) {
        const bf16 *__restrict from = x + row * channels;
        for (std::int64_t c = 0; c < channels; ++c) {
            const float value = wide(from[c]) - about[c];
            sum[c] += value;
            squares[c] += value * value;
        }
    });
    for (std::int64_t c = 0; c < channels; ++c) {
        const double centre = first[c] / rows, spread = std::max(0.0, second[c] / rows - centre * centre);
        mean[c] = static_cast<float>(about[c] + centre);
        variance[c] = static_cast<float>(spread);
        scale[c] = static_cast<float>(1.0 / std::sqrt(spread + eps));
    }
}

// y = (x - mean) * scale * weight + bias (+ residual), then by `kind`: 0, y clipped to low..high; 1, the level of y among `count` thresholds, in -1..1;
// 2, the sign of y + offsets[k] in channels k * channels ...
void docbin_norm_forward(const bf16 *x, const bf16 *residual, std::int64_t rows, std::int64_t channels, const float *mean, const float *scale,
                         const float *weight, const float *bias, int kind, float low, float high, const float *offsets, int count, int threads,
                         bf16 *out) {
    const Affine affine(channels, mean, scale, weight, bias);
    shared_out(threads, rows, [&](int, std::int64_t from, std::int64_t to) {
        const float *__restrict f = affine.factor.data(), *__restrict o = affine.offset.data();
        for (std::int64_t row = from; row < to; ++row) {
            const bf16 *__restrict in = x + row * channels;
            if (kind == 0 && residual == nullptr) {
                bf16 *__restrict put = out + row * channels;
                for (std::int64_t c = 0; c < channels; ++c) put[c] = narrow(std::min(high, std::max(low, wide(in[c]) * f[c] + o[c])));
            } else if (kind == 0) {
                const bf16 *__restrict more = residual + row * channels;
                bf16 *__restrict put = out + row * channels;
                for (std::int64_t c = 0; c < channels; ++c) put[c] = narrow(std::min(high, std::max(low, wide(in[c]) * f[c] + o[c] + wide(more[c]))));
            } else if (kind == 1) {
                bf16 *__restrict put = out + row * channels;
                const float step = 2.0f / static_cast<float>(count);
                if (count == 2) {
                    const float first = -offsets[0], second = -offsets[1];
                    for (std::int64_t c = 0; c < channels; ++c) {
                        const float y = wide(in[c]) * f[c] + o[c];
                        put[c] = narrow((y >= first ? 1.0f : 0.0f) + (y >= second ? 1.0f : 0.0f) - 1.0f);
                    }
                } else {
                    for (std::int64_t c = 0; c < channels; ++c) {
                        const float y = wide(in[c]) * f[c] + o[c];
                        float reached = 0.0f;
                        for (int k = 0; k < count; ++k) reached += y >= -offsets[k] ? 1.0f : 0.0f;
                        put[c] = narrow(reached * step - 1.0f);
                    }
                }
            } else {
                for (int k = 0; k < count; ++k) {
                    bf16 *__restrict put = out + (row * count + k) * channels;
                    const float limit = -offsets[k];
                    for (std::int64_t c = 0; c < channels; ++c) put[c] = narrow(wide(in[c]) * f[c] + o[c] >= limit ? 1.0f : -1.0f);
                }
            }
        }
    });
}

// Gradients of docbin_norm_forward: of x, of the residual (where there is one), of weight and bias. `batch`: the statistics were the batch's own and
// move with x. Slopes: kind 0, 1 within the limits; 1, 1 within low..high, the reach of the thresholds; 2, the triangle 2 - 2 |y + offset| about each.
void docbin_norm_backward(const bf16 *x, const bf16 *residual, const bf16 *gradient, std::int64_t rows, std::int64_t channels, const float *mean,
                          const float *scale, const float *weight, const float *bias, int kind, float low, float high, const float *offsets, int count,
                          int batch, int threads, bf16 *of_x, bf16 *of_residual, float *of_weight, float *of_bias) {
    const Affine affine(channels, mean, scale, weight, bias);
    const Backward work{x, gradient, rows, channels, mean, scale, affine.factor.data(), affine.offset.data(), batch, threads, of_x, of_residual, of_weight, of_bias};
    if (kind == 2)
        work.run([=](std::int64_t row, std::int64_t c, float y) {
            float through = 0.0f;
            for (int k = 0; k < count; ++k)
                through += std::max(0.0f, 2.0f - 2.0f * std::fabs(y + offsets[k])) * wide(gradient[(row * count + k) * channels + c]);
            return through;
        });
    else if (residual != nullptr)
        work.run([=](std::int64_t row, std::int64_t c, float y) {
            const float sum = y + wide(residual[row * channels + c]);
            return (sum > low) & (sum < high) ? wide(gradient[row * channels + c]) : 0.0f;
        });
    else
        work.run([=](std::int64_t row, std::int64_t c, float y) { return (y > low) & (y < high) ? wide(gradient[row * channels + c]) : 0.0f; });
}

// Weight gradient of a depthwise convolution: float32 (channels, kernel, kernel). shape: batch, height, width, channels, and the output's height, width.
int docbin_depthwise_weights(const bf16 *x, const bf16 *gradient, const std::int64_t *shape, int kernel, int stride, int padding, int threads,
                             float *out) {
    if (kernel == 3 && stride == 1) weights_of<3, 1>(x, gradient, shape, padding, threads, out);
    else if (kernel == 3 && stride == 2) weights_of<3, 2>(x, gradient, shape, padding, threads, out);
    else if (kernel == 5 && stride == 1) weights_of<5, 1>(x, gradient, shape, padding, threads, out);
    else if (kernel == 5 && stride == 2) weights_of<5, 2>(x, gradient, shape, padding, threads, out);
    else return 1;
    return 0;
}

// Input gradient of a depthwise convolution; weight is float32 (kernel, kernel, channels).
void docbin_depthwise_input(const bf16 *gradient, const float *weight, const std::int64_t *shape, int kernel, int stride, int padding, int threads,
                            bf16 *of_x) {
    const std::int64_t batch = shape[0], height = shape[1], width = shape[2], channels = shape[3], out_height = shape[4], out_width = shape[5];
    shared_out(threads, batch * height, [&](int, std::int64_t from, std::int64_t to) {
        std::vector<float> row(channels);
        float *__restrict sum = row.data();
        for (std::int64_t line = from; line < to; ++line) {
            const std::int64_t n = line / height, y = line % height;
            for (std::int64_t x = 0; x < width; ++x) {
                std::fill(row.begin(), row.end(), 0.0f);
                for (std::int64_t ky = (y + padding) % stride; ky < kernel; ky += stride) {
                    const std::int64_t oy = (y + padding - ky) / stride;
                    if (y + padding < ky || oy >= out_height) continue;
                    for (std::int64_t kx = (x + padding) % stride; kx < kernel; kx += stride) {
                        const std::int64_t ox = (x + padding - kx) / stride;
                        if (x + padding < kx || ox >= out_width) continue;
                        const bf16 *__restrict g = gradient + ((n * out_height + oy) * out_width + ox) * channels;
                        const float *__restrict w = weight + (ky * kernel + kx) * channels;
                        for (std::int64_t c = 0; c < channels; ++c) sum[c] += wide(g[c]) * w[c];
                    }
                }
                bf16 *__restrict put = of_x + (line * width + x) * channels;
                for (std::int64_t c = 0; c < channels; ++c) put[c] = narrow(sum[c]);
            }
        }
    });
}
}
