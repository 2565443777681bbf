// SPDX-License-Identifier: GPL-3.0-or-later
// PyTorch files: values, strides, both forms; and what is refused, with which words. tests/fuzz/corpus/torch
// has files that PyTorch itself wrote.
#include "engine/model/torch_file.h"

#include <stdlib.h>

#include "check.h"
#include "engine/base/file.h"
#include "engine/model/pickle.h"
#include "torch_fixture.h"

static float values[64];
__attribute__((constructor)) static void fill_values(void) {
    for (size_t i = 0; i < 64; i++)
        values[i] = (float)i + 0.5f;
}

static const char *path_of(const char *name) {
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", check_folder(), name);
    return path;
}

// The file that these bytes make; takes them.
static bool open_bytes(struct torch_file **f, struct buffer *take, struct error *e) {
    bool ok = buffer_ok(take, e) && file_write_atomic(path_of("a.pt"), take->data, take->length, e) &&
              torch_file_open(f, path_of("a.pt"), e);
    buffer_free(take);
    return ok;
}

static const char *refusal(struct buffer *take) {
    static struct error e;
    struct torch_file *f;
    e = (struct error){0};
    if (open_bytes(&f, take, &e)) {
        torch_file_close(f);
        return "(it was read)";
    }
    return e.text;
}

// The zip form of a pickle that holds no storages, or those of `item`.
static const char *refusal_of_pickle(struct buffer *take, const struct torch_item *item, size_t count) {
    struct buffer file = {0};
    torch_zip_of(&file, take, item, count, "little", false);
    buffer_free(take);
    return refusal(&file);
}
static const char *refusal_of_text(const char *pickle, size_t length) {
    struct buffer b = {0};
    buffer_add(&b, pickle, length);
    return refusal_of_pickle(&b, NULL, 0);
}
static const char *refusal_of_item(const struct torch_item *item) {
    struct buffer b = {0};
    torch_zip(&b, item, 1);
    return refusal(&b);
}
#define REFUSAL_OF(pickle) refusal_of_text(pickle, sizeof(pickle) - 1)

static struct torch_item floats(const char *name, size_t rows, size_t columns) {
    return (struct torch_item){.name = name,
                               .storage = "FloatStorage",
                               .dimensions = 2,
                               .shape = {rows, columns},
                               .stride = {columns, 1},
                               .stored = rows * columns,
                               .data = values,
                               .bytes = rows * columns * 4};
}

static bool has(const struct torch_file *f, const char *name, size_t rows, size_t columns,
                const float *want) {
    const struct safetensors_tensor *t = torch_file_find(f, name);
    float got[64];
    return t && t->dimensions == 2 && t->shape[0] == rows && t->shape[1] == columns &&
           safetensors_read_floats(t, got, NULL) && memcmp(got, want, rows * columns * 4) == 0;
}

TEST(both_forms_give_the_tensors_of_a_state_dict) {
    static const uint16_t halves[4] = {0x3c00, 0xc000, 0x3555, 0x0001}, brains[2] = {0x3f80, 0xc000};
    static const int64_t whole[2] = {-1, (int64_t)1 << 40};
    struct torch_item item[] = {
        floats("b.weight", 3, 4),
        {"a.half", "HalfStorage", 1, {4}, {1}, 0, 4, halves, 8},
        {"a.brain", "BFloat16Storage", 2, {1, 2}, {2, 1}, 0, 2, brains, 4},
        {"c.whole", "LongStorage", 1, {2}, {1}, 0, 2, whole, 16},
        {"c.none", "FloatStorage", 2, {0, 8}, {8, 1}, 0, 0, values, 0},
        {"c.one", "FloatStorage", 0, {0}, {0}, 0, 1, values, 4},
    };
    for (int form = 0; form < 2; form++) {
        struct error e = {0};
        struct torch_file *f;
        struct buffer b = {0};
        if (form)
            torch_row(&b, item, 6, '\x88');
        else
            torch_zip(&b, item, 6);
        CHECK_OK(open_bytes(&f, &b, &e));
        CHECK_SIZE(torch_file_count(f), 6);
        CHECK_TEXT(torch_file_at(f, 0)->name, "a.brain");
        CHECK(has(f, "b.weight", 3, 4, values));
        CHECK(has(f, "a.brain", 1, 2, (const float[]){1, -2}));
        float half[4];
        double large[2];
        CHECK_OK(safetensors_read_floats(torch_file_find(f, "a.half"), half, &e));
        CHECK(half[0] == 1 && half[1] == -2 && half[2] == 0x1.554p-2f && half[3] == 0x1p-24f);
        CHECK_OK(safetensors_read_doubles(torch_file_find(f, "c.whole"), large, &e));
        CHECK(large[0] == -1 && large[1] == 0x1p40);
        CHECK(torch_file_find(f, "c.none")->count == 0 && torch_file_find(f, "c.one")->count == 1);
        CHECK(!torch_file_find(f, "c"));
        torch_file_close(f);
    }
}

TEST(strides_and_offsets_are_honoured) {
    struct error e = {0};
    struct torch_file *f;
    struct buffer b = {0};
    struct torch_item item[] = {floats("rows", 6, 8), floats("transposed", 6, 8), floats("window", 6, 8),
                                floats("backwards", 6, 8)};
    item[1] = (struct torch_item){"transposed", "FloatStorage", 2, {8, 6}, {1, 8}, 0, 48, values, 192};
    item[2] = (struct torch_item){"window", "FloatStorage", 2, {2, 3}, {8, 1}, 18, 48, values, 192};
    item[3] = (struct torch_item){"cube", "FloatStorage", 3, {2, 1, 3}, {1, 99, 16}, 5, 48, values, 192};
    torch_zip(&b, item, 4);
    CHECK_OK(open_bytes(&f, &b, &e));
    CHECK(has(f, "rows", 6, 8, values));
    float want[48];
    for (size_t i = 0; i < 48; i++)
        want[i] = values[i % 6 * 8 + i / 6];
    CHECK(has(f, "transposed", 8, 6, want));
    CHECK(has(f, "window", 2, 3,
              (const float[]){values[18], values[19], values[20], values[26], values[27], values[28]}));
    const float *cube = torch_file_find(f, "cube")->data;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            CHECK(cube[i * 3 + j] == values[5 + i + 16 * j]);
    torch_file_close(f);
}

TEST(large_archives_have_wide_lists) {
    struct error e = {0};
    struct torch_file *f;
    struct buffer pickle = {0}, b = {0};
    struct torch_item item[] = {floats("x", 2, 4), floats("y", 4, 2)};
    put_state_dict(&pickle, item, 2, false);
    torch_zip_of(&b, &pickle, item, 2, NULL, true);
    buffer_free(&pickle);
    CHECK_OK(open_bytes(&f, &b, &e));
    CHECK(has(f, "x", 2, 4, values) && has(f, "y", 4, 2, values));
    torch_file_close(f);
}

TEST(dicts_and_lists_lead_to_tensors) {
    struct error e = {0};
    struct torch_file *f;
    struct buffer pickle = {0}, b = {0};
    struct torch_item item = floats("", 2, 4);
    // {"step": 3, "rate": 0.5, "state": {7: [None, Parameter(x)]}} in the opcodes of protocol 4
    buffer_add(&pickle,
               "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\x04step\x94K\x03\x8c\x04rateG\x3f\xe0\0\0\0\0\0\0",
               38);
    buffer_add_text(&pickle, "\x8c\x05state}(K\x07](N");
    buffer_add_text(&pickle, "\x8c\x0ctorch._utils\x8c\x12_rebuild_parameter\x93(");
    put_tensor(&pickle, &item, "0", false);
    buffer_add_text(&pickle, "\x88)tReuu.");
    torch_zip_of(&b, &pickle, &item, 1, "little", false);
    buffer_free(&pickle);
    CHECK_OK(open_bytes(&f, &b, &e));
    CHECK_SIZE(torch_file_count(f), 1);
    CHECK(has(f, "state.7.1", 2, 4, values));
    torch_file_close(f);
    buffer_add_text(&pickle, "\x80\x02"); // and one tensor alone
    put_tensor(&pickle, &item, "0", false);
    buffer_add_char(&pickle, '.');
    torch_zip_of(&b, &pickle, &item, 1, "little", false);
    buffer_free(&pickle);
    CHECK_OK(open_bytes(&f, &b, &e));
    CHECK(has(f, "tensor", 2, 4, values));
    torch_file_close(f);
}

TEST(nothing_else_is_loaded) {
    const char *text = REFUSAL_OF("\x80\x02"
                                  "cposix\nsystem\nX\x02\0\0\0ls\x85R.");
    CHECK_HAS(text, "a.pt: data.pkl: byte 2: it holds \"posix.system\", which is not loaded");
    CHECK_HAS(text, "nothing in such a file is run");
    CHECK_HAS(REFUSAL_OF("\x80\x04\x8c\x08"
                         "argparse\x8c\x09Namespace\x93)\x81."),
              "\"argparse.Namespace\"");
    CHECK_HAS(REFUSAL_OF("\x80\x02(iposix\nsystem\n."), "opcode 0x69");
    CHECK_HAS(REFUSAL_OF("\x80\x02"
                         "ctorch\nFloatStorage\n)\x81."),
              "opcode 0x81");
    CHECK_HAS(REFUSAL_OF("\x80\x01}."), "protocol 1; 2 to 5 are read");
    CHECK_HAS(REFUSAL_OF("\x80\x06}."), "protocol 6");
    CHECK_HAS(REFUSAL_OF("\x80\x02}."), "there is no tensor in it: it holds a dict");
    CHECK_HAS(REFUSAL_OF("\x80\x02X\x02\0\0\0\xff\xfe."), "no UTF-8");
    CHECK_HAS(REFUSAL_OF("\x80\x02"
                         "ccollections\nOrderedDict\nK\x01\x85R."),
              "OrderedDict in a way that is not known");
    struct torch_item complex = floats("x", 1, 1);
    complex.storage = "ComplexFloatStorage";
    CHECK_HAS(refusal_of_item(&complex), "\"torch.ComplexFloatStorage\"");
}

TEST(pickles_that_are_not_whole) {
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\x80", 1},
        {"\x80\x02", 2},
        {"\x80\x02.", 3},
        {"\x80\x02}}.", 5},
        {"\x80\x02(.", 4},
        {"\x80\x02t.", 4},
        {"\x80\x02}s.", 5},
        {"\x80\x02}(NNNu.", 9},
        {"\x80\x02N(NNu.", 8},
        {"\x80\x02(NNNd.", 8},
        {"\x80\x02\x85.", 4},
        {"\x80\x02N(\x86.", 6},
        {"\x80\x02h\0.", 5},
        {"\x80\x02}r\xff\xff\xff\xff.", 9},
        {"\x80\x02X\xff\xff\xff\xff.", 8},
        {"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", 12},
        {"\x80\x02"
         "ccollections",
         14},
        {"\x80\x02NNR.", 6},
        {"\x80\x02Nb.", 5},
        {"\x80\x02NNb.", 6},
        {"\x80\x02NN\x93.", 6},
        {"\x80\x02Q.", 4},
        {"\x80\x02"
         "0.",
         4},
        {"\x80\x02]Na", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_HAS(refusal_of_text(cases[i].bytes, cases[i].length), "no whole pickle");
}

// What holds itself, or holds one thing a billion times.
TEST(circles_and_bombs_end) {
    CHECK_HAS(REFUSAL_OF("\x80\x02]q\0h\0a."), "too deep or too often");
    struct buffer b = {0};
    buffer_add_text(&b, "\x80\x02)q");
    put_number(&b, 0, 1);
    for (unsigned i = 1; i <= 12; i++) { // each tuple holds the one before ten times
        buffer_add_char(&b, '(');
        for (int k = 0; k < 10; k++) {
            buffer_add_char(&b, 'h');
            put_number(&b, i - 1, 1);
        }
        buffer_add_text(&b, "tq");
        put_number(&b, i, 1);
        if (i < 12)
            buffer_add_char(&b, '0');
    }
    buffer_add(&b, "\x86.", 2); // the first, empty, and the last
    CHECK_HAS(refusal_of_pickle(&b, NULL, 0), "too deep or too often");
}

TEST(storages_that_do_not_fit) {
    struct torch_item item = floats("x", 2, 4);
    item.stored = 9;
    CHECK_HAS(refusal_of_item(&item), "data/0 in it has 32 bytes where 36 are needed");
    item = floats("x", 2, 4);
    item.shape[0] = 3;
    CHECK_HAS(refusal_of_item(&item),
              "tensor \"x\": its shape and strides lead beyond its 8 stored elements");
    item = floats("x", 2, 4);
    item.offset = 1;
    CHECK_HAS(refusal_of_item(&item), "lead beyond its 8 stored");
    item = floats("x", 2, 4);
    item.stride[0] = (size_t)1 << 62;
    CHECK_HAS(refusal_of_item(&item), "lead beyond its 8 stored");
    item = floats("x", 2, 4);
    item.shape[0] = item.shape[1] = (size_t)1 << 40;
    CHECK_HAS(refusal_of_item(&item), "more elements than can be counted");
    item = floats("x", 2, 4);
    item.shape[0] = (size_t)1 << 63; // negative
    CHECK_HAS(refusal_of_item(&item), "its shape is described in a way");
    item = floats("x", 2, 4);
    item.shape[0] = 100;
    item.stride[0] = 0;
    CHECK_HAS(refusal_of_item(&item), "it repeats its 8 stored elements");
    item = floats("x", 2, 4);
    item.stored = (size_t)1 << 62;
    CHECK_HAS(refusal_of_item(&item), "more bytes than can be counted");
    struct torch_item two[] = {floats("x", 2, 4), floats("x", 2, 4)};
    struct buffer b = {0};
    torch_zip(&b, two, 2);
    CHECK_HAS(refusal(&b), "two tensors in it have the name \"x\"");
    struct buffer pickle = {0};
    put_state_dict(&pickle, two, 1, false);
    CHECK_HAS(refusal_of_pickle(&pickle, NULL, 0), "data/0 is missing in it: download or copy");
}

TEST(views_of_the_same_numbers_are_bounded) {
    struct buffer pickle = {0};
    struct torch_item item = {"x", "FloatStorage", 2, {8, 6}, {1, 8}, 0, 48, values, 192};
    buffer_add_text(&pickle, "\x80\x02](");
    put_tensor(&pickle, &item, "0", false);
    buffer_add_char(&pickle, 'q');
    put_number(&pickle, 1, 1);
    for (int i = 0; i < 1000; i++)
        buffer_add(&pickle, "h\1", 2);
    buffer_add_text(&pickle, "e.");
    CHECK_HAS(refusal_of_pickle(&pickle, &item, 1), "views of the same numbers");
}

TEST(archives_of_other_kinds) {
    struct buffer pickle = {0}, b = {0};
    struct torch_item item = floats("x", 2, 4);
    put_state_dict(&pickle, &item, 1, false);
    torch_zip_of(&b, &pickle, &item, 1, "big", false);
    CHECK_HAS(refusal(&b), "big-endian");
    static const struct {
        const char *name, *also, *message;
        unsigned method;
    } cases[] = {
        {"archive/data.pkl", "archive/constants.pkl", "TorchScript", 0},
        {"archive/data.pkl", "other/data.pkl", "one folder with data.pkl", 0},
        {"data.pkl", "x", "one folder with data.pkl", 0},
        {"a/b/data.pkl", "x", "one folder with data.pkl", 0},
        {"archive/data.pkl", "x", "archive/data.pkl in it is compressed or encrypted", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zip_build z = {0};
        zip_add(&z, cases[i].name, pickle.data, pickle.length, cases[i].method, false);
        zip_add(&z, cases[i].also, "", 0, 0, false);
        zip_finish(&z, false, &b);
        CHECK_HAS(refusal(&b), cases[i].message);
    }
    torch_zip_of(&b, &pickle, &item, 1, NULL, false);
    for (size_t i = 0; i + 8 <= b.length; i++) // a NUL is a character of a name like others
        if (memcmp(b.data + i, "archive/", 8) == 0)
            b.data[i + 3] = '\0';
    struct torch_file *f;
    struct error e = {0};
    CHECK_OK(open_bytes(&f, &b, &e));
    CHECK(has(f, "x", 2, 4, values));
    torch_file_close(f);
    for (size_t cut = 1; cut < 400; cut += 7) { // wherever it is cut, it is told
        torch_zip_of(&b, &pickle, &item, 1, "little", false);
        b.length -= cut;
        CHECK_HAS(refusal(&b), "its end is missing");
    }
    buffer_free(&pickle);
    buffer_add_text(&b, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    CHECK_HAS(refusal(&b), "git lfs pull");
    buffer_add_text(&b, "hello");
    CHECK_HAS(refusal(&b), "no file of torch.save");
    buffer_add(&b, "", 0);
    CHECK_HAS(refusal(&b), "no file of torch.save");
}

TEST(the_older_form_is_checked) {
    struct torch_item item = floats("x", 2, 4);
    struct buffer b = {0}, whole = {0};
    torch_row(&b, &item, 1, '\x89');
    CHECK_HAS(refusal(&b), "big-endian");
    buffer_add_text(&b, "\x80\x02}.");
    CHECK_HAS(refusal(&b), "a pickle, but none of torch.save");
    torch_row(&whole, &item, 1, '\x88');
    for (size_t length = 1; length < whole.length; length++) {
        buffer_add(&b, whole.data, length);
        CHECK(strstr(refusal(&b), "a.pt: ") != NULL);
    }
    buffer_add(&b, whole.data, whole.length - 1);
    CHECK_HAS(refusal(&b), "ends before its last tensor");
    buffer_add(&b, whole.data, whole.length);
    b.data[whole.length - 40] = 9; // elements of the storage
    CHECK_HAS(refusal(&b), "a storage is described in a way");
    buffer_free(&whole);
    put_preamble(&b, '\x88');
    put_state_dict(&b, &item, 1, true);
    buffer_add_text(&b, "\x80\x02].");
    CHECK_HAS(refusal(&b), "the list of storages");
}

// [5, 8] of known numbers, in every way that PyTorch 1.13 writes them.
TEST(files_that_pytorch_wrote) {
    static const struct {
        const char *file, *tensor;
    } cases[] = {{"bare.pt", "tensor"},
                 {"bare-old.pt", "tensor"},
                 {"half-old.pt", "tensor"},
                 {"parameter.pt", "tensor"},
                 {"transposed.pt", "tensor"},
                 {"view-old.pt", "tensor"},
                 {"protocol4.pt", "prompt_embeddings"},
                 {"soft-template.pt", "soft_embeds"},
                 {"trainer.pt", "state_dict.template.soft_embeds"},
                 {"types-old.pt", "b"}};
    float got[40];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char below[80];
        struct error e = {0};
        struct torch_file *f;
        snprintf(below, sizeof below, "fuzz/corpus/torch/%s", cases[i].file);
        CHECK_OK(torch_file_open(&f, check_path(below), &e));
        const struct safetensors_tensor *t = torch_file_find(f, cases[i].tensor);
        CHECK(t && t->dimensions == 2 && t->shape[0] == 5 && t->shape[1] == 8);
        CHECK_OK(safetensors_read_floats(t, got, &e));
        for (size_t k = 0; k < 40; k++)
            CHECK(got[k] == (float)k / 8 - 2);
        torch_file_close(f);
    }
    struct error e = {0};
    struct torch_file *f;
    CHECK(!torch_file_open(&f, check_path("fuzz/corpus/torch/namespace.pt"), &e));
    CHECK_HAS(e.text, "\"argparse.Namespace\"");
}
