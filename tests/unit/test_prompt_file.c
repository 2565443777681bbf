// SPDX-License-Identifier: GPL-3.0-or-later
// Prompt files: each format there and back to the bit, and every kind of wrong file with its message.
#include "check.h"

#include <stdint.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/safetensors.h"
#include "sessions/prompt_file.h"

static const char *in_folder(const char *name) {
    static char ring[8][256];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", check_folder(), name);
    return out;
}

static float values[12] = {0.1f, -2, 3e-30f, 4e30f, -0.0f, 6, 7.5f, 8, 9, 10, 11, 1.0f / 3};
static const struct prompt_matrix sample = {values, 3, 4};

static bool same(const struct prompt_matrix *m, size_t rows, size_t columns, const float *wanted) {
    return m->rows == rows && m->columns == columns &&
           memcmp(m->value, wanted, rows * columns * sizeof *wanted) == 0;
}

// Reads it and expects failure; the message.
static const char *refusal(const char *path) {
    static struct error e;
    struct prompt_matrix m;
    e = (struct error){0};
    if (prompt_file_read(&m, path, &e)) {
        prompt_matrix_free(&m);
        return "(it was read)";
    }
    return m.value ? "(memory was left behind)" : e.text;
}

TEST(there_and_back) {
    static const char *const names[] = {"a.safetensors", "a.npy",   "A.NPY",
                                        "adapter/",      "adapter", "new/deep/"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e = {0};
        struct prompt_matrix m;
        CHECK_OK(prompt_file_write(in_folder(names[i]), &sample, "google/t5-v1_1-small", &e));
        CHECK_OK(prompt_file_read(&m, in_folder(names[i]), &e));
        CHECK(same(&m, 3, 4, values));
        prompt_matrix_free(&m);
    }
}

TEST(adapter_is_what_peft_reads) {
    struct error e = {0};
    CHECK_OK(prompt_file_write(in_folder("peft/"), &sample, "google/t5-v1_1-small", &e));
    cJSON *json = json_read_file(in_folder("peft/adapter_config.json"), 10000, &e);
    CHECK_OK(json != NULL);
    const char *base = "", *kind = "";
    size_t tokens = 0, width = 0, modules = 0;
    CHECK_OK(json_get_string(json, "base_model_name_or_path", true, &base, &e));
    CHECK_TEXT(base, "google/t5-v1_1-small");
    CHECK_OK(json_get_string(json, "task_type", true, &kind, &e));
    CHECK_TEXT(kind, "SEQ_2_SEQ_LM");
    CHECK_OK(json_get_size(json, "num_virtual_tokens", true, 1, 100, &tokens, &e));
    CHECK_OK(json_get_size(json, "token_dim", true, 1, 100, &width, &e));
    CHECK_OK(json_get_size(json, "num_transformer_submodules", true, 1, 2, &modules, &e));
    CHECK(tokens == 3 && width == 4 && modules == 1);
    cJSON_Delete(json);
    struct safetensors *file;
    CHECK_OK(safetensors_open(&file, in_folder("peft/adapter_model.safetensors"), &e));
    CHECK_SIZE(safetensors_count(file), 1);
    CHECK_TEXT(safetensors_at(file, 0)->name, "prompt_embeddings");
    CHECK_TEXT(safetensors_metadata(file, "format"), "pt");
    safetensors_close(file);
}

static bool write_text(const char *name, const char *text) {
    return file_write_atomic(in_folder(name), text, strlen(text), NULL);
}

TEST(adapter_of_two_submodules_gives_its_first_rows) {
    struct error e = {0};
    struct safetensors_item item = {"prompt_embeddings", DTYPE_F32, 2, {6, 2}, values};
    CHECK_OK(file_make_folders(in_folder("two"), &e));
    CHECK_OK(safetensors_write(in_folder("two/adapter_model.safetensors"), &item, 1, NULL, 0, &e));
    static const char *const configs[] = {
        "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 3, \"num_transformer_submodules\": null}",
        "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 3, \"token_dim\": 2, "
        "\"num_transformer_submodules\": 2}",
        "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 3}"};
    for (size_t i = 0; i < 3; i++) {
        struct prompt_matrix m;
        CHECK(write_text("two/adapter_config.json", configs[i]));
        CHECK_OK(prompt_file_read(&m, in_folder("two"), &e));
        CHECK(same(&m, 3, 2, values));
        prompt_matrix_free(&m);
    }
    struct prompt_matrix m; // the weights named alone are the same adapter
    CHECK_OK(prompt_file_read(&m, in_folder("two/adapter_model.safetensors"), &e));
    CHECK_SIZE(m.rows, 3);
    prompt_matrix_free(&m);
}

// Files of PyTorch itself: what OpenPrompt's templates keep, its trainer, the paper's code, and PEFT.
TEST(prompts_of_pytorch) {
    static const char *const names[] = {"bare.pt",           "half-old.pt", "soft-template.pt",
                                        "mixed-template.pt", "trainer.pt",  "protocol4.pt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e = {0};
        struct prompt_matrix m;
        char below[80];
        snprintf(below, sizeof below, "fuzz/corpus/torch/%s", names[i]);
        CHECK_OK(prompt_file_read(&m, check_path(below), &e));
        CHECK(m.rows == 5 && m.columns == 8);
        for (size_t k = 0; k < 40; k++)
            CHECK(m.value[k] == (float)k / 8 - 2);
        prompt_matrix_free(&m);
    }
    CHECK_HAS(refusal(check_path("fuzz/corpus/torch/namespace.pt")), "\"argparse.Namespace\"");
    char *adapter = NULL;
    size_t length;
    struct error e = {0};
    struct prompt_matrix m;
    CHECK_OK(file_make_folders(in_folder("old"), &e));
    CHECK_OK(file_read(check_path("fuzz/corpus/torch/protocol4.pt"), 1 << 16, &adapter, &length, &e));
    CHECK_OK(file_write_atomic(in_folder("old/adapter_model.bin"), adapter, length, &e));
    free(adapter);
    CHECK(write_text("old/adapter_config.json",
                     "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 5, "
                     "\"num_transformer_submodules\": 1, \"token_dim\": 8}"));
    static const char *const ways[] = {"old", "old/adapter_model.bin"};
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(prompt_file_read(&m, in_folder(ways[i]), &e));
        CHECK(m.rows == 5 && m.columns == 8 && m.value[39] == 39.0f / 8 - 2);
        prompt_matrix_free(&m);
    }
    CHECK(write_text("old/adapter_config.json",
                     "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 3}"));
    CHECK_HAS(refusal(in_folder("old/adapter_model.bin")), "prompt_embeddings is 5 x 8, but");
}

TEST(wrong_adapters) {
    struct error e = {0};
    CHECK_OK(file_make_folders(in_folder("bad"), &e));
    CHECK_HAS(refusal(in_folder("bad")), "without adapter_config.json");
    CHECK(write_text("bad/adapter_config.json", "{\"peft_type\": \"LORA\", \"num_virtual_tokens\": 3}"));
    CHECK_HAS(refusal(in_folder("bad")), "peft_type is LORA");
    CHECK(write_text("bad/adapter_config.json", "[1]"));
    CHECK_HAS(refusal(in_folder("bad")), "should be a JSON object");
    CHECK(write_text("bad/adapter_config.json", "{\"peft_type\": "));
    CHECK_HAS(refusal(in_folder("bad")), "adapter_config.json: line 1");
    CHECK(write_text("bad/adapter_config.json", "{\"peft_type\": \"PROMPT_TUNING\"}"));
    CHECK_HAS(refusal(in_folder("bad")), "\"num_virtual_tokens\" is missing");
    CHECK(write_text("bad/adapter_config.json",
                     "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 0}"));
    CHECK_HAS(refusal(in_folder("bad")), "\"num_virtual_tokens\" should be a whole number");
    CHECK(write_text("bad/adapter_config.json",
                     "{\"peft_type\": \"PROMPT_TUNING\", \"num_virtual_tokens\": 3, "
                     "\"num_transformer_submodules\": 1, \"token_dim\": 4}"));
    CHECK_HAS(refusal(in_folder("bad")), "adapter_model.safetensors");
    CHECK(write_text("bad/adapter_model.bin", "x"));
    CHECK_HAS(refusal(in_folder("bad")), "adapter_model.bin: this is no file of torch.save");
    struct safetensors_item item = {"prompt_embeddings", DTYPE_F32, 2, {6, 2}, values};
    CHECK_OK(safetensors_write(in_folder("bad/adapter_model.safetensors"), &item, 1, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("bad")), "6 x 2, but adapter_config.json asks for 3 x 4");
    item.name = "other";
    CHECK_OK(safetensors_write(in_folder("bad/adapter_model.safetensors"), &item, 1, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("bad")), "prompt_embeddings is missing");
}

TEST(safetensors_by_name_or_alone) {
    static const char *const names[] = {"soft_prompt", "prompt_embeddings", "soft_embeds",
                                        "soft_embedding.weight"};
    struct error e = {0};
    struct prompt_matrix m;
    for (size_t i = 0; i < 4; i++) {
        bool from_1 = i == 3; // the first row of soft_embedding.weight is no vector
        struct safetensors_item items[] = {{"another", DTYPE_F32, 2, {2, 2}, values},
                                           {names[i], DTYPE_F32, 2, {2, 4}, values + 4}};
        CHECK_OK(safetensors_write(in_folder("named.safetensors"), items, 2, NULL, 0, &e));
        CHECK_OK(prompt_file_read(&m, in_folder("named.safetensors"), &e));
        CHECK(same(&m, from_1 ? 1 : 2, 4, values + (from_1 ? 8 : 4)));
        prompt_matrix_free(&m);
    }
    struct safetensors_item twins[] = {{"encoder.soft_embeds", DTYPE_F32, 2, {2, 2}, values},
                                       {"decoder.soft_embeds", DTYPE_F32, 2, {2, 4}, values + 4}};
    CHECK_OK(safetensors_write(in_folder("twins.safetensors"), twins, 2, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("twins.safetensors")), "2 of its tensors are called soft_embeds");
    CHECK_OK(safetensors_write(in_folder("one.safetensors"), twins + 1, 1, NULL, 0, &e));
    CHECK_OK(prompt_file_read(&m, in_folder("one.safetensors"), &e));
    CHECK(same(&m, 2, 4, values + 4));
    prompt_matrix_free(&m);
    struct safetensors_item items[] = {{"vector", DTYPE_F32, 1, {4}, values},
                                       {"x", DTYPE_BF16, 2, {2, 2}, values + 5},
                                       {"y", DTYPE_F32, 2, {2, 2}, values}};
    CHECK_OK(safetensors_write(in_folder("alone.safetensors"), items, 2, NULL, 0, &e));
    CHECK_OK(prompt_file_read(&m, in_folder("alone.safetensors"), &e));
    CHECK(m.rows == 2 && m.columns == 2 && m.value[1] == 7.5f);
    prompt_matrix_free(&m);
    CHECK_OK(safetensors_write(in_folder("three.safetensors"), items, 3, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("three.safetensors")), "more than a single matrix");
    CHECK_HAS(refusal(in_folder("three.safetensors")), "vector [4]");
    CHECK_OK(safetensors_write(in_folder("vector.safetensors"), items, 1, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("vector.safetensors")), "is not a single matrix");
    items[0].name = "soft_prompt";
    CHECK_OK(safetensors_write(in_folder("vector.safetensors"), items, 1, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("vector.safetensors")), "soft_prompt is F32 [4]");
    CHECK(write_text("cut.safetensors", "1234"));
    CHECK_HAS(refusal(in_folder("cut.safetensors")), "cut.safetensors");
}

// A NumPy file from a header text and data.
static void put_npy(const char *name, int major, const char *header, const void *data, size_t bytes) {
    unsigned char all[4096] = "\x93NUMPY";
    size_t n = strlen(header), at = major == 1 ? 10 : 12;
    all[6] = (unsigned char)major;
    all[8] = (unsigned char)(n & 0xff);
    all[9] = (unsigned char)(n >> 8);
    memcpy(all + at, header, n);
    memcpy(all + at + n, data, bytes);
    file_write_atomic(in_folder(name), all, at + n + bytes, NULL);
}

TEST(numpy_of_every_type_and_version) {
    struct error e = {0};
    struct prompt_matrix m;
    static const uint16_t halves[4] = {0x3c00, 0xc000, 0x3555, 0x0001};
    static const double doubles[4] = {1, -2, 1.0 / 3, 1e-50};
    // The odd length of this header puts the data off its alignment.
    put_npy("f2.npy", 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }", halves, 8);
    CHECK_OK(prompt_file_read(&m, in_folder("f2.npy"), &e));
    CHECK(m.value[0] == 1 && m.value[1] == -2 && m.value[2] == 0x1.554p-2f && m.value[3] == 0x1p-24f);
    prompt_matrix_free(&m);
    put_npy("f8.npy", 2, "{\"shape\":(2,2),\"fortran_order\":False,\"descr\":\"<f8\"}\n", doubles, 32);
    CHECK_OK(prompt_file_read(&m, in_folder("f8.npy"), &e));
    CHECK(m.value[0] == 1 && m.value[1] == -2 && m.value[2] == 1.0f / 3 && m.value[3] == 0);
    prompt_matrix_free(&m);
    put_npy("f4.npy", 3, "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L,)}   \n", values, 48);
    CHECK_OK(prompt_file_read(&m, in_folder("f4.npy"), &e));
    CHECK(same(&m, 3, 4, values));
    prompt_matrix_free(&m);
}

TEST(wrong_numpy_files) {
    static const struct {
        const char *header;
        size_t bytes;
        const char *message;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 2), }", 16, "element type is >f4"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2, 2), }", 16, "element type is <i4"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }", 16, "element type is |O"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16, "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 16, "1 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4, "0 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2), }", 16, "3 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", 0, "the prompt is empty"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 15, "cut or damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 17, "cut or damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 16,
         "cut or damaged"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1), }", 16,
         "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -2), }", 16, "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4), }", 16, "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2}", 16, "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, }", 16, "not what NumPy"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (2, 2), }", 16, "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'x': 1}", 16, "not what NumPy"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2), }", 16, "not what NumPy"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), } x", 16, "not what NumPy"},
        {"{'descr': '<f4", 0, "not what NumPy"},
        {"", 0, "not what NumPy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_npy("wrong.npy", 1 + (int)(i % 3), cases[i].header, values + 5, cases[i].bytes);
        const char *message = refusal(in_folder("wrong.npy"));
        CHECK_HAS(message, cases[i].message);
        CHECK_HAS(message, "wrong.npy");
    }
    put_npy("wrong.npy", 4, "{}", values, 0);
    CHECK_HAS(refusal(in_folder("wrong.npy")), "format 4.0 is not known");
    CHECK(write_text("wrong.npy", "\x93NUMPY\x01"));
    CHECK_HAS(refusal(in_folder("wrong.npy")), "not a NumPy file");
    CHECK(file_write_atomic(in_folder("wrong.npy"), "\x93NUMPY\x02\0\xff\x00", 10, NULL));
    CHECK_HAS(refusal(in_folder("wrong.npy")), "ends within its header");
    CHECK(file_write_atomic(in_folder("wrong.npy"), "\x93NUMPY\x01\0\xff\x00{}", 12, NULL));
    CHECK_HAS(refusal(in_folder("wrong.npy")), "ends within its header");
    CHECK(file_write_atomic(in_folder("wrong.npy"), "\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14, NULL));
    CHECK_HAS(refusal(in_folder("wrong.npy")), "too long");
    CHECK(write_text("wrong.npy", ""));
    CHECK_HAS(refusal(in_folder("wrong.npy")), "not a NumPy file");
}

TEST(values_must_be_finite) {
    struct error e = {0};
    float bad[4] = {1, 2, NAN, 4};
    struct prompt_matrix m = {bad, 2, 2};
    CHECK(!prompt_file_write(in_folder("nan.npy"), &m, NULL, &e));
    CHECK_HAS(e.text, "vector 1");
    CHECK(!file_exists(in_folder("nan.npy")));
    static const double huge[4] = {1, 1e300, 1, 1};
    put_npy("huge.npy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", huge, 32);
    CHECK_HAS(refusal(in_folder("huge.npy")), "vector 0 has a value that is no finite number (component 1)");
    struct safetensors_item item = {"soft_prompt", DTYPE_F32, 2, {2, 2}, bad};
    CHECK_OK(safetensors_write(in_folder("nan.safetensors"), &item, 1, NULL, 0, &e));
    CHECK_HAS(refusal(in_folder("nan.safetensors")), "vector 1");
}

TEST(other_names_are_explained) {
    struct error e = {0};
    CHECK_HAS(refusal("absent.pt"), "absent.pt");
    CHECK_HAS(refusal("prompt.txt"), "ends in .safetensors or .npy");
    CHECK_HAS(refusal(in_folder("absent.npy")), "absent.npy");
    CHECK(!prompt_file_write("prompt.pt", &sample, NULL, &e));
    CHECK_HAS(e.text, "read, but not written");
    CHECK(!prompt_file_write("prompt", &sample, NULL, &e));
    CHECK_HAS(e.text, "ends in .safetensors or .npy");
}

TEST(prompts_of_google) {
    static const char *const names[] = {"sst2", "mrpc", "rte"};
    for (size_t i = 0; i < 3; i++) {
        char below[96];
        snprintf(below, sizeof below, "data/prompts/google-t5-1.1-lm100k-base/%s.npy", names[i]);
        const char *path = check_shared(below);
        if (!path || !file_exists(path))
            SKIP("no shared prompts");
        struct error e = {0};
        struct prompt_matrix m, again;
        CHECK_OK(prompt_file_read(&m, path, &e));
        CHECK(m.rows == 100 && m.columns == 768);
        static const char *const copies[] = {"google.npy", "google.safetensors", "google/"};
        for (size_t k = 0; k < 3; k++) {
            CHECK_OK(prompt_file_write(in_folder(copies[k]), &m, "google/t5-base-lm-adapt", &e));
            CHECK_OK(prompt_file_read(&again, in_folder(copies[k]), &e));
            CHECK(same(&again, 100, 768, m.value));
            prompt_matrix_free(&again);
        }
        char *original = NULL, *copy = NULL; // our file is the very one that NumPy wrote
        size_t a, b;
        CHECK_OK(file_read(path, 1 << 20, &original, &a, &e));
        CHECK_OK(file_read(in_folder("google.npy"), 1 << 20, &copy, &b, &e));
        CHECK(a == b && memcmp(original, copy, a) == 0);
        free(original);
        free(copy);
        prompt_matrix_free(&m);
    }
}
