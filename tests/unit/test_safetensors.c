// SPDX-License-Identifier: GPL-3.0-or-later
// The safetensors format: what is written is read back, every check of the reader, damaged headers.
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/model/safetensors.h"

static const char *file_path(void) {
    static char path[256];
    snprintf(path, sizeof path, "%s/t.safetensors", check_folder());
    return path;
}

// A file from its parts; data is `data_length` bytes counting up.
static bool write_parts(uint64_t header_length, const char *header, size_t length, size_t data_length) {
    struct buffer b = {0};
    buffer_add(&b, &header_length, 8);
    buffer_add(&b, header, length);
    for (size_t i = 0; i < data_length; i++)
        buffer_add_char(&b, (char)i);
    bool ok = file_write_atomic(file_path(), b.data, b.length, NULL);
    buffer_free(&b);
    return ok;
}

static bool open_text(struct safetensors **file, const char *header, size_t data_length, struct error *e) {
    write_parts(strlen(header), header, strlen(header), data_length);
    return safetensors_open(file, file_path(), e);
}

TEST(reads_shapes_types_order_and_metadata) {
    struct error e = {0};
    struct safetensors *file;
    CHECK_OK(open_text(&file,
                       "{\"late\": {\"dtype\": \"I32\", \"shape\": [2, 1], \"data_offsets\": [4, 12]}, "
                       "\"__metadata__\": {\"format\": \"pt\"}, "
                       "\"early\": {\"dtype\": \"BF16\", \"shape\": [2], \"data_offsets\": [0, 4]}, "
                       "\"none\": {\"dtype\": \"F64\", \"shape\": [3, 0], \"data_offsets\": [4, 4]}, "
                       "\"one\": {\"dtype\": \"U8\", \"shape\": [], \"data_offsets\": [12, 13]}}   ",
                       13, &e));
    CHECK_SIZE(safetensors_count(file), 4);
    CHECK_TEXT(safetensors_path(file), file_path());
    CHECK_TEXT(safetensors_metadata(file, "format"), "pt");
    CHECK(!safetensors_metadata(file, "other"));
    static const char *const order[] = {"early", "none", "late", "one"};
    for (size_t i = 0; i < 4; i++) {
        CHECK_TEXT(safetensors_at(file, i)->name, order[i]);
        CHECK(safetensors_find(file, order[i]) == safetensors_at(file, i));
    }
    CHECK(!safetensors_find(file, "__metadata__"));
    CHECK(!safetensors_find(file, "earl"));
    const struct safetensors_tensor *t = safetensors_find(file, "late");
    CHECK(t->type == SAFETENSORS_I32 && t->dimensions == 2 && t->shape[0] == 2 && t->shape[1] == 1);
    CHECK_SIZE(t->count, 2);
    CHECK_SIZE(t->bytes, 8);
    CHECK(memcmp(t->data, "\4\5\6\7\10\11\12\13", 8) == 0);
    char text[32];
    safetensors_shape_text(t, text, sizeof text);
    CHECK_TEXT(text, "[2, 1]");
    t = safetensors_find(file, "one");
    CHECK(t->dimensions == 0 && t->count == 1 && *(const char *)t->data == 12);
    safetensors_close(file);
}

#define T(offsets) "{\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": " offsets "}"

TEST(malformed_headers_are_refused) {
    static const struct {
        const char *header;
        size_t data;
        const char *part;
    } bad[] = {
        {"[]", 0, "should hold an object, but holds a list"},
        {"{\"a\": ", 0, "ends too early"},
        {"{\"a\": " T("[0, 8]") ", \"a\": " T("[8, 16]") "}", 16, "\"a\" stands twice"},
        {"{\"a\": 3}", 0, "tensor \"a\" should be described by an object"},
        {"{\"a\": {\"shape\": [2], \"data_offsets\": [0, 8]}}", 8, "tensor \"a\": \"dtype\" is missing"},
        {"{\"a\": {\"dtype\": \"F31\", \"shape\": [2], \"data_offsets\": [0, 8]}}", 8,
         "\"dtype\" is \"F31\""},
        {"{\"a\": {\"dtype\": 1, \"shape\": [2], \"data_offsets\": [0, 8]}}", 8,
         "\"dtype\" should be a string"},
        {"{\"a\": {\"dtype\": \"F32\", \"data_offsets\": [0, 8]}}", 8, "\"shape\" is missing"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [-2], \"data_offsets\": [0, 8]}}", 8, "whole numbers"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1.5], \"data_offsets\": [0, 6]}}", 6, "whole numbers"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [\"2\"], \"data_offsets\": [0, 8]}}", 8, "whole numbers"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1,1,1,1,1,1,1,1,2], \"data_offsets\": [0, 8]}}", 8,
         "more than 8 dimensions"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296, 4294967296], \"data_offsets\": [0, 0]}}", 0,
         "more elements than can be counted"},
        {"{\"a\": {\"dtype\": \"F64\", \"shape\": [2147483648, 2147483648], \"data_offsets\": [0, 0]}}", 0,
         "more bytes than can be counted"},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2]}}", 8, "\"data_offsets\" is missing"},
        {"{\"a\": " T("[0]") "}", 8, "two whole numbers"},
        {"{\"a\": " T("[0, 8, 9]") "}", 8, "two whole numbers"},
        {"{\"a\": " T("[0, 1e300]") "}", 8, "two whole numbers"},
        {"{\"a\": " T("[8, 0]") "}", 8, "before it begins"},
        {"{\"a\": " T("[0, 16]") "}", 8, "only 8 bytes of data"},
        {"{\"a\": " T("[0, 4]") "}", 8, "gives it 4 bytes, but F32 [2] needs 8"},
        {"{\"a\": " T("[4, 12]") "}", 12, "tensor \"a\": its data begin at 4, which leaves a hole"},
        {"{\"a\": " T("[0, 8]") ", \"b\": " T("[12, 20]") "}", 20, "tensor \"b\": its data begin at 12"},
        {"{\"a\": " T("[0, 8]") ", \"b\": " T("[4, 12]") "}", 12,
         "tensor \"b\": its data begin at 4, which overlaps"},
        {"{\"a\": " T("[0, 8]") ", \"b\": " T("[0, 8]") "}", 8, "overlaps"},
        {"{\"a\": " T("[0, 8]") "}", 9, "1 bytes follow the last tensor"},
        {"{}", 1, "1 bytes follow"},
        {"{\"__metadata__\": 3, \"a\": " T("[0, 8]") "}", 8, "\"__metadata__\" should be an object"},
        {"{\"__metadata__\": {\"x\": 3}, \"a\": " T("[0, 8]") "}", 8, "\"x\" should be a string"},
        {"{\"\xff\": " T("[0, 8]") "}", 8, "not UTF-8"},
        {"{\"a\": " T("[0, 8]") "} x", 8, "something follows"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        struct safetensors *file;
        CHECK(!open_text(&file, bad[i].header, bad[i].data, &e));
        CHECK(!file);
        CHECK(e.kind == ERROR_INPUT);
        CHECK_HAS(e.text, file_path());
        CHECK_HAS(e.text, bad[i].part);
    }
}

TEST(header_length_is_checked) {
    static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < 4; i++) {
        struct error e = {0};
        struct safetensors *file;
        write_parts(lengths[i], "{}", 2, 0);
        CHECK(!safetensors_open(&file, file_path(), &e));
        CHECK_HAS(e.text, "no safetensors file");
    }
    struct error e = {0};
    struct safetensors *file;
    write_parts(100000001, "{}", 2, 0);
    CHECK(truncate(file_path(), 200000000) == 0); // inside the file (a sparse one), and yet too long
    CHECK(!safetensors_open(&file, file_path(), &e));
    CHECK_HAS(e.text, "at most 100000000 are allowed");
    CHECK_OK(file_write_atomic(file_path(), "\2\0\0\0\0\0\0", 7, &e));
    CHECK(!safetensors_open(&file, file_path(), &e));
    CHECK_HAS(e.text, "only 7 bytes");
    CHECK_OK(file_write_atomic(file_path(), "", 0, &e));
    CHECK(!safetensors_open(&file, file_path(), &e));
    CHECK(!safetensors_open(&file, "/no/such/file", &e));
    CHECK_HAS(e.text, "/no/such/file");
    CHECK_OK(open_text(&file, "{}", 0, &e)); // nothing in it, and well-formed
    CHECK_SIZE(safetensors_count(file), 0);
    safetensors_close(file);
}

TEST(values_of_every_type) {
    static const struct {
        const char *type;
        size_t size;
        unsigned char bytes[8];
        double value;
        bool to_float;
    } cases[] = {
        {"BOOL", 1, {1}, 1, false},
        {"U8", 1, {200}, 200, false},
        {"I8", 1, {0xff}, -1, false},
        {"U16", 2, {0xff, 0xff}, 65535, false},
        {"I16", 2, {0xfe, 0xff}, -2, false},
        {"F16", 2, {0x00, 0xc0}, -2, true},
        {"BF16", 2, {0x80, 0x3f}, 1, true},
        {"U32", 4, {0xff, 0xff, 0xff, 0xff}, 4294967295.0, false},
        {"I32", 4, {0xfd, 0xff, 0xff, 0xff}, -3, false},
        {"F32", 4, {0, 0, 0x20, 0x41}, 10, true},
        {"U64", 8, {0, 0, 0, 0, 1}, 4294967296.0, false},
        {"I64", 8, {0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -4, false},
        {"F64", 8, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        // One odd byte in front puts the value off its alignment.
        char header[256];
        int n = snprintf(header, sizeof header,
                         "{\"odd\": {\"dtype\": \"U8\", \"shape\": [1], \"data_offsets\": [0, 1]}, \"x\": "
                         "{\"dtype\": \"%s\", \"shape\": [1], \"data_offsets\": [1, %zu]}}",
                         cases[i].type, 1 + cases[i].size);
        struct buffer b = {0};
        uint64_t length = (uint64_t)n;
        buffer_add(&b, &length, 8);
        buffer_add(&b, header, (size_t)n);
        buffer_add_char(&b, 'o');
        buffer_add(&b, cases[i].bytes, cases[i].size);
        struct error e = {0};
        struct safetensors *file;
        CHECK_OK(file_write_atomic(file_path(), b.data, b.length, &e));
        buffer_free(&b);
        CHECK_OK(safetensors_open(&file, file_path(), &e));
        const struct safetensors_tensor *t = safetensors_find(file, "x");
        CHECK_TEXT(safetensors_type_name(t->type), cases[i].type);
        double d = NAN;
        float f = NAN;
        int32_t whole = 0;
        CHECK_OK(safetensors_read_doubles(t, &d, &e));
        CHECK(d == cases[i].value);
        CHECK(safetensors_read_floats(t, &f, &e) == cases[i].to_float);
        CHECK(!cases[i].to_float || (double)f == cases[i].value);
        CHECK(safetensors_read_int32(t, &whole, &e) == (t->type == SAFETENSORS_I32));
        CHECK(t->type != SAFETENSORS_I32 || whole == -3);
        safetensors_close(file);
    }
    struct error e = {0};
    struct safetensors *file;
    double d;
    CHECK_OK(open_text(&file, "{\"x\": {\"dtype\": \"F8_E4M3\", \"shape\": [1], \"data_offsets\": [0, 1]}}",
                       1, &e));
    CHECK(!safetensors_read_doubles(safetensors_at(file, 0), &d, &e));
    CHECK_HAS(e.text, "tensor \"x\" is of type F8_E4M3");
    safetensors_close(file);
}

enum { LONG = 10000 };

TEST(what_is_written_is_read_back) {
    static float a[LONG], b[12], got[LONG];
    for (size_t i = 0; i < LONG; i++)
        a[i] = (float)i / 8;
    for (size_t i = 0; i < 12; i++)
        b[i] = (float)i - 6;
    struct safetensors_item items[] = {
        {.name = "long \"name\"", .type = DTYPE_F32, .dimensions = 2, .shape = {100, 100}, .values = a},
        {.name = "empty", .type = DTYPE_F32, .dimensions = 1, .shape = {0}, .values = a},
        {.name = "half", .type = DTYPE_F16, .dimensions = 2, .shape = {3, 3}, .values = b},
        {.name = "brain", .type = DTYPE_BF16, .dimensions = 3, .shape = {2, 3, 2}, .values = b},
    };
    struct safetensors_pair metadata[] = {{"format", "pt"}, {"note", "\xc3\xbc \"quoted\""}};
    struct error e = {0};
    struct safetensors *file;
    CHECK_OK(safetensors_write(file_path(), items, 4, metadata, 2, &e));
    CHECK_OK(safetensors_open(&file, file_path(), &e));
    CHECK_SIZE(safetensors_count(file), 4);
    CHECK_TEXT(safetensors_metadata(file, "note"), "\xc3\xbc \"quoted\"");
    for (size_t i = 0; i < 4; i++) {
        const struct safetensors_tensor *t = safetensors_find(file, items[i].name);
        enum dtype type;
        CHECK(t && safetensors_dtype(t->type, &type) && type == items[i].type);
        CHECK_SIZE(t->dimensions, items[i].dimensions);
        CHECK_OK(safetensors_read_floats(t, got, &e));
        for (size_t j = 0; j < t->count; j++)
            CHECK(got[j] == items[i].values[j]);
    }
    CHECK((uintptr_t)safetensors_at(file, 1)->data % 8 == 0);
    safetensors_close(file);
}

TEST(streamed_pieces_make_the_same_file) {
    static float values[LONG];
    for (size_t i = 0; i < LONG; i++)
        values[i] = (float)(i % 97) - 48;
    struct safetensors_item items[] = {
        {.name = "a", .type = DTYPE_F16, .dimensions = 1, .shape = {3777}, .values = values},
        {.name = "b", .type = DTYPE_F32, .dimensions = 1, .shape = {LONG - 3777}, .values = values + 3777},
    };
    struct error e = {0};
    struct safetensors_writer *w;
    char *whole, *streamed;
    size_t whole_length, streamed_length;
    CHECK_OK(safetensors_write(file_path(), items, 2, NULL, 0, &e));
    CHECK_OK(file_read(file_path(), 1 << 20, &whole, &whole_length, &e));
    CHECK(remove(file_path()) == 0);
    CHECK_OK(safetensors_writer_open(&w, file_path(), items, 2, NULL, 0, &e));
    for (size_t i = 0; i < LONG; i += 1000)
        CHECK_OK(safetensors_writer_add(w, values + i, 1000, &e));
    CHECK(!file_exists(file_path())); // not before it is finished
    CHECK_OK(safetensors_writer_finish(w, &e));
    safetensors_writer_close(w);
    CHECK_OK(file_read(file_path(), 1 << 20, &streamed, &streamed_length, &e));
    CHECK(whole_length == streamed_length && memcmp(whole, streamed, whole_length) == 0);
    free(whole);
    free(streamed);
}

TEST(an_unfinished_file_leaves_nothing) {
    struct safetensors_item item = {.name = "a", .type = DTYPE_F32, .dimensions = 1, .shape = {4}};
    struct error e = {0};
    struct safetensors_writer *w;
    char folder[300], path[320];
    snprintf(folder, sizeof folder, "%s/unfinished", check_folder());
    snprintf(path, sizeof path, "%s/t.safetensors", folder);
    CHECK_OK(file_make_folders(folder, &e));
    CHECK_OK(safetensors_writer_open(&w, path, &item, 1, NULL, 0, &e));
    safetensors_writer_close(w);
    CHECK(remove(folder) == 0); // only works when it is empty
    CHECK(!safetensors_writer_open(&w, path, &item, 1, NULL, 0, &e));
    CHECK_HAS(e.text, path);
    CHECK(!w);
}

static bool write_plainly(const void *bytes, size_t length) { // thousands of times: without flushing the disk
    FILE *f = fopen(file_path(), "wb");
    bool ok = f && fwrite(bytes, 1, length, f) == length;
    return f && fclose(f) == 0 && ok;
}

// Any damage to the header is either harmless or refused with the path in the message; under the sanitizers
// this also shows that nothing outside the file is touched.
TEST(damaged_headers_never_crash) {
    static const char header[] = "{\"__metadata__\": {\"format\": \"pt\"}, \"a\": " T(
        "[0, 8]") ", \"b\": {\"dtype\": \"BF16\", "
                  "\"shape\": [2, 3], \"data_offsets\": [8, 20]}, \"\\u00fc\": {\"dtype\": \"I64\", "
                  "\"shape\": [], "
                  "\"data_offsets\": [20, 28]}} ";
    struct random r;
    random_seed(&r, 11, 0);
    size_t length = sizeof header - 1, refused = 0;
    char damaged[8 + sizeof header + 28] = {0};
    for (size_t i = 0; i < 3000; i++) {
        damaged[0] = (char)length;
        damaged[1] = (char)(length >> 8);
        memset(damaged + 2, 0, 6);
        memcpy(damaged + 8, header, length);
        size_t at = random_below(&r, i % 16 ? 8 + length : 8);
        damaged[at] ^= (char)(1 + random_below(&r, 255));
        if (i % 3 == 0)
            damaged[8 + random_below(&r, length)] = "0123456789[]{},:\"\\e-"[random_below(&r, 20)];
        struct error e = {0};
        struct safetensors *file;
        CHECK(write_plainly(damaged, 8 + length + 28));
        if (!safetensors_open(&file, file_path(), &e)) {
            CHECK_HAS(e.text, file_path());
            refused++;
            continue;
        }
        double sum = 0, values[64];
        for (size_t j = 0; j < safetensors_count(file); j++) {
            const struct safetensors_tensor *t = safetensors_at(file, j);
            if (t->count <= 64 && safetensors_read_doubles(t, values, &e))
                for (size_t k = 0; k < t->count; k++)
                    sum += values[k];
        }
        CHECK(sum == sum || isnan(sum));
        safetensors_close(file);
    }
    CHECK(refused > 1500 && refused < 3000);
}
