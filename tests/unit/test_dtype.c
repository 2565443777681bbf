// SPDX-License-Identifier: GPL-3.0-or-later
// Element types: every half and bfloat16 there is, rounding at every kind of boundary, long runs and tails.
#include "check.h"

#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/tensor/dtype.h"

// The value of a half by definition.
static double half_value(unsigned half) {
    unsigned exponent = half >> 10 & 31, mantissa = half & 1023;
    double size = exponent == 31  ? (mantissa ? NAN : INFINITY)
                  : exponent == 0 ? ldexp(mantissa, -24)
                                  : ldexp(1024 + mantissa, (int)exponent - 25);
    return half & 0x8000 ? -size : size;
}

static bool same(double got, double wanted) {
    return (isnan(got) && isnan(wanted)) || (got == wanted && signbit(got) == signbit(wanted));
}

enum { ALL = 65536 };
static uint16_t bits[ALL], back[ALL];
static float floats[ALL];

static void fill(void) {
    for (unsigned i = 0; i < ALL; i++)
        bits[i] = (uint16_t)i;
}

TEST(names_and_sizes) {
    CHECK_TEXT(dtype_name(DTYPE_F32), "F32");
    CHECK_TEXT(dtype_name(DTYPE_F16), "F16");
    CHECK_TEXT(dtype_name(DTYPE_BF16), "BF16");
    CHECK_SIZE(dtype_size(DTYPE_F32), 4);
    CHECK_SIZE(dtype_size(DTYPE_F16), 2);
    CHECK_SIZE(dtype_size(DTYPE_BF16), 2);
}

TEST(every_half_in_bulk_and_alone) {
    fill();
    dtype_to_float(DTYPE_F16, bits, floats, ALL);
    for (unsigned i = 0; i < ALL; i++) {
        float alone;
        dtype_to_float(DTYPE_F16, &bits[i], &alone, 1); // the portable path
        CHECK(same((double)floats[i], half_value(i)));
        CHECK(same((double)alone, half_value(i)));
    }
    dtype_from_float(DTYPE_F16, floats, back, ALL);
    for (unsigned i = 0; i < ALL; i++) {
        uint16_t alone;
        dtype_from_float(DTYPE_F16, &floats[i], &alone, 1);
        CHECK(isnan(floats[i]) ? isnan(half_value(back[i])) && isnan(half_value(alone))
                               : back[i] == i && alone == i);
    }
}

TEST(every_bfloat) {
    fill();
    dtype_to_float(DTYPE_BF16, bits, floats, ALL);
    for (unsigned i = 0; i < ALL; i++) {
        uint32_t wide;
        memcpy(&wide, &floats[i], 4);
        CHECK(wide == i << 16);
    }
    dtype_from_float(DTYPE_BF16, floats, back, ALL);
    for (unsigned i = 0; i < ALL; i++)
        CHECK(isnan(floats[i]) ? (back[i] & 0x7f80) == 0x7f80 && (back[i] & 0x7f) && back[i] >> 15 == i >> 15
                               : back[i] == i);
    float quiet; // NaN whose payload lies in the cut-off bits only
    uint32_t payload = 0x7f800001;
    memcpy(&quiet, &payload, 4);
    dtype_from_float(DTYPE_BF16, &quiet, back, 1);
    CHECK_SIZE(back[0], 0x7fc0);
}

// Between neighbours a < b of a 16-bit type: below the middle goes to a, above to b, the middle to the even
// one.
static bool rounds(enum dtype type, uint16_t low) {
    float a, b = 0, tries[3 * 16];
    uint16_t next = (uint16_t)(low + 1), wanted[3], got[3 * 16], alone;
    dtype_to_float(type, &low, &a, 1);
    dtype_to_float(type, &next, &b, 1);
    float middle = a + (b - a) / 2; // exact: one more bit
    float three[3] = {nextafterf(middle, a), middle, nextafterf(middle, b)};
    wanted[0] = low;
    wanted[1] = low & 1 ? next : low;
    wanted[2] = next;
    for (size_t i = 0; i < 48; i++)
        tries[i] = three[i % 3];
    dtype_from_float(type, tries, got, 48);
    for (size_t i = 0; i < 48; i++) {
        dtype_from_float(type, &tries[i], &alone, 1);
        if (got[i] != wanted[i % 3] || alone != wanted[i % 3])
            return false;
    }
    return true;
}

TEST(rounding_between_all_neighbours) {
    for (uint16_t half = 0; half < 0x7bff; half++)
        CHECK(rounds(DTYPE_F16, half) && rounds(DTYPE_F16, (uint16_t)(half | 0x8000)));
    for (uint16_t brain = 0; brain < 0x7f7f; brain++)
        CHECK(rounds(DTYPE_BF16, brain) && rounds(DTYPE_BF16, (uint16_t)(brain | 0x8000)));
}

TEST(too_large_becomes_infinite_too_small_zero) {
    static const float values[] = {65519.99f, 65520.0f,        1e30f,     INFINITY,
                                   0x1p-25f,  0x1.000002p-25f, -0x1p-26f, 1e-40f};
    static const uint16_t wanted[] = {0x7bff, 0x7c00, 0x7c00, 0x7c00, 0, 1, 0x8000, 0};
    for (size_t i = 0; i < 8; i++) {
        uint16_t got;
        dtype_from_float(DTYPE_F16, &values[i], &got, 1);
        CHECK_SIZE(got, wanted[i]);
    }
    float most = 3.4028234e38f;
    uint16_t got;
    dtype_from_float(DTYPE_BF16, &most, &got, 1);
    CHECK_SIZE(got, 0x7f80);
}

TEST(any_length_and_element_alignment) {
    float in[70], out[70];
    uint16_t packed[72];
    struct random r;
    random_seed(&r, 3, 0);
    for (size_t i = 0; i < 70; i++)
        in[i] = (float)(int)random_below(&r, 2048) / 64;
    for (size_t n = 0; n <= 68; n++) {
        for (enum dtype type = DTYPE_F16; type <= DTYPE_BF16; type++) {
            for (size_t i = 0; i < 70; i++)
                in[i] = type == DTYPE_BF16 ? truncf(in[i]) / 4 : in[i];
            memset(packed, 0x55, sizeof packed);
            dtype_from_float(type, in, packed + 1, n); // two bytes off any vector
            CHECK(packed[0] == 0x5555 && packed[n + 1] == 0x5555);
            out[n] = -7;
            dtype_to_float(type, packed + 1, out, n);
            for (size_t i = 0; i < n; i++)
                CHECK(type == DTYPE_BF16 ? fabsf(out[i] - in[i]) <= fabsf(in[i]) / 256 : out[i] == in[i]);
            CHECK(out[n] == -7);
        }
    }
    dtype_from_float(DTYPE_F32, in, out, 70);
    CHECK(memcmp(in, out, sizeof in) == 0);
}
