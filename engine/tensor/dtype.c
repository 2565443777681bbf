// SPDX-License-Identifier: GPL-3.0-or-later
// Conversions between floats and the 16-bit types. Where the compiler may use F16C or AVX-512, halves go
// through the processor's own conversion; the portable code beside it gives the same values bit for bit, NaN
// payloads apart, and also handles the tails.
#include "dtype.h"

#include <string.h>

#if defined(__F16C__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

size_t dtype_size(enum dtype type) {
    return type == DTYPE_F32 ? 4 : 2;
}

const char *dtype_name(enum dtype type) {
    return type == DTYPE_F32 ? "F32" : type == DTYPE_F16 ? "F16" : "BF16";
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

// Half: 1 sign, 5 exponent (bias 15), 10 mantissa bits. Float: 1, 8 (bias 127), 23.
static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = (uint32_t)(half & 0x7fff) << 13;
    if (rest >= 0x7c00u << 13) // infinity and NaN: the float's exponent is all ones too
        return float_of(sign | 0x7f800000 | rest);
    if (rest >= 1u << 23) // normal: only the bias differs
        return float_of(sign | (rest + ((127u - 15) << 23)));
    // Subnormal: give it the exponent of the smallest normal and take the implied one away again.
    float magnitude = float_of(rest + ((127u - 14) << 23)) - 0x1p-14f;
    return float_of(sign | bits_of(magnitude));
}

static uint16_t half_from_float(float x) {
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    if (rest > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (rest >= bits_of(65520.0f)) // half way from the largest half to the next power of two, and beyond
        return (uint16_t)(sign | 0x7c00);
    if (rest < bits_of(0x1p-14f)) {
        // Adding 1/2 leaves 2^-24, the subnormals' step, as the float's last bit: the adder rounds for us.
        uint32_t rounded = bits_of(float_of(rest) + 0.5f) - bits_of(0.5f);
        return (uint16_t)(sign | rounded);
    }
    rest -= (127u - 15) << 23;
    rest += 0xfff + (rest >> 13 & 1); // to nearest, a tie to the even neighbour
    return (uint16_t)(sign | rest >> 13);
}

static uint16_t bfloat_from_float(float x) {
    uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40); // stays NaN whatever the low bits were
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void halves_to_floats(const uint16_t *from, float *to, size_t count) {
    size_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= count; i += 16)
        _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + i))));
#elif defined(__F16C__)
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
#endif
    for (; i < count; i++)
        to[i] = half_to_float(from[i]);
}

static void halves_from_floats(const float *from, uint16_t *to, size_t count) {
    size_t i = 0;
#if defined(__AVX512F__)
    for (; i + 16 <= count; i += 16)
        _mm256_storeu_si256((__m256i *)(to + i),
                            _mm512_cvtps_ph(_mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
    for (; i + 8 <= count; i += 8)
        _mm_storeu_si128((__m128i *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < count; i++)
        to[i] = half_from_float(from[i]);
}

void dtype_to_float(enum dtype type, const void *from, float *to, size_t count) {
    if (!count)
        return;
    if (type == DTYPE_F32) {
        memcpy(to, from, count * sizeof *to);
    } else if (type == DTYPE_F16) {
        halves_to_floats(from, to, count);
    } else {
        const uint16_t *brain = from;
        for (size_t i = 0; i < count; i++)
            to[i] = float_of((uint32_t)brain[i] << 16);
    }
}

void dtype_from_float(enum dtype type, const float *from, void *to, size_t count) {
    if (!count)
        return;
    if (type == DTYPE_F32) {
        memcpy(to, from, count * sizeof *from);
    } else if (type == DTYPE_F16) {
        halves_from_floats(from, to, count);
    } else {
        uint16_t *brain = to;
        for (size_t i = 0; i < count; i++)
            brain[i] = bfloat_from_float(from[i]);
    }
}
