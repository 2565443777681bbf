// SPDX-License-Identifier: GPL-3.0-or-later
// config.json: defaults of absent fields, what each field may be, and messages that name file and key.
#include "check.h"

#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/model/config.h"

#define SIZES                                                                                                \
    "\"vocab_size\": 300, \"d_model\": 48, \"d_kv\": 24, \"d_ff\": 100, \"num_heads\": 3, \"num_layers\": 2"

static bool parse(struct t5_config *c, const char *text, struct error *e) {
    return t5_config_parse(c, text, strlen(text), e);
}

TEST(defaults) {
    struct error e = {0};
    struct t5_config c;
    CHECK_OK(parse(&c, "{" SIZES "}", &e));
    CHECK_SIZE(c.vocab_size, 300);
    CHECK_SIZE(c.d_model, 48);
    CHECK_SIZE(c.d_kv, 24);
    CHECK_SIZE(c.d_ff, 100);
    CHECK_SIZE(c.num_heads, 3);
    CHECK_SIZE(c.num_layers, 2);
    CHECK_SIZE(c.num_decoder_layers, 2);
    CHECK_SIZE(c.num_buckets, 32);
    CHECK_SIZE(c.max_distance, 128);
    CHECK(!c.gated);
    CHECK(c.scale_decoder_outputs);
    CHECK_NEAR(c.layer_norm_epsilon, 1e-6, 1e-15);
    CHECK(c.pad_id == 0 && c.eos_id == 1 && c.decoder_start_id == 0);
}

TEST(fields_that_are_there_win) {
    struct error e = {0};
    struct t5_config c;
    CHECK_OK(parse(&c,
                   "{" SIZES ", \"num_decoder_layers\": 5, \"relative_attention_num_buckets\": 24,"
                   "\"relative_attention_max_distance\": 64, \"feed_forward_proj\": \"gated-gelu\","
                   "\"tie_word_embeddings\": false, \"layer_norm_epsilon\": 0.01, \"pad_token_id\": 7,"
                   "\"eos_token_id\": 8, \"decoder_start_token_id\": 9, \"model_type\": \"mt5\"}",
                   &e));
    CHECK_SIZE(c.num_decoder_layers, 5);
    CHECK_SIZE(c.num_buckets, 24);
    CHECK_SIZE(c.max_distance, 64);
    CHECK(c.gated && !c.scale_decoder_outputs);
    CHECK_NEAR(c.layer_norm_epsilon, 0.01, 1e-15);
    CHECK(c.pad_id == 7 && c.eos_id == 8 && c.decoder_start_id == 9);
}

TEST(nulls_are_absent_and_start_follows_pad) {
    struct error e = {0};
    struct t5_config c;
    CHECK_OK(parse(&c,
                   "{" SIZES ", \"num_decoder_layers\": null, \"decoder_start_token_id\": null,"
                   "\"pad_token_id\": 4, \"tie_word_embeddings\": null, \"model_type\": null}",
                   &e));
    CHECK_SIZE(c.num_decoder_layers, 2);
    CHECK(c.decoder_start_id == 4);
    CHECK(c.scale_decoder_outputs);
}

TEST(the_scale_field_overrides_tying) {
    struct error e = {0};
    struct t5_config c;
    CHECK_OK(parse(&c, "{" SIZES ", \"tie_word_embeddings\": true, \"scale_decoder_outputs\": false}", &e));
    CHECK(!c.scale_decoder_outputs);
    CHECK_OK(parse(&c, "{" SIZES ", \"tie_word_embeddings\": false, \"scale_decoder_outputs\": true}", &e));
    CHECK(c.scale_decoder_outputs);
}

TEST(kinds_of_feed_forward) {
    struct error e = {0};
    struct t5_config c;
    CHECK_OK(parse(&c, "{" SIZES ", \"feed_forward_proj\": \"gated-gelu_new\"}", &e));
    CHECK(c.gated);
    CHECK_OK(parse(&c, "{" SIZES ", \"feed_forward_proj\": \"relu\"}", &e));
    CHECK(!c.gated);
    CHECK(!parse(&c, "{" SIZES ", \"feed_forward_proj\": \"gated-silu\"}", &e));
    CHECK_HAS(e.text, "\"feed_forward_proj\" is \"gated-silu\"");
    CHECK_HAS(e.text, "\"relu\" and \"gated-gelu\"");
}

TEST(mistakes_are_named) {
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"[1]", "holds a list"},
        {"{", "ends too early"},
        {"{\"vocab_size\": 300}", "\"d_model\" is missing"},
        {"{" SIZES ", \"model_type\": \"bert\"}", "\"model_type\" is \"bert\""},
        {"{" SIZES ", \"model_type\": 5}", "\"model_type\" should be a string"},
        {"{" SIZES ", \"num_decoder_layers\": 0}", "\"num_decoder_layers\" should be a whole number from 1"},
        {"{" SIZES ", \"num_decoder_layers\": 1e9}", "\"num_decoder_layers\""},
        {"{" SIZES ", \"layer_norm_epsilon\": -1}", "\"layer_norm_epsilon\" is -1"},
        {"{" SIZES ", \"layer_norm_epsilon\": \"x\"}", "\"layer_norm_epsilon\" should be a number"},
        {"{" SIZES ", \"eos_token_id\": 300}", "\"eos_token_id\" should be a whole number from 0 to 299"},
        {"{" SIZES ", \"pad_token_id\": -1}", "\"pad_token_id\""},
        {"{" SIZES ", \"decoder_start_token_id\": [0]}", "\"decoder_start_token_id\""},
        {"{" SIZES ", \"tie_word_embeddings\": 1}", "\"tie_word_embeddings\" should be true or false"},
        {"{" SIZES ", \"relative_attention_num_buckets\": 2}", "\"relative_attention_num_buckets\""},
        {"{" SIZES ", \"relative_attention_max_distance\": 16}", "more than half"},
        {"{" SIZES ", \"d_kv\": 1}", "\"d_kv\" stands twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        struct t5_config c;
        CHECK(!parse(&c, bad[i].text, &e));
        CHECK(e.kind == ERROR_INPUT);
        CHECK_HAS(e.text, bad[i].part);
    }
}

TEST(every_size_has_limits) {
    static const char *const keys[] = {"vocab_size", "d_model", "d_kv", "d_ff", "num_heads", "num_layers"};
    static const char *const values[] = {"0", "-3", "1.5", "1e15", "\"64\"", "null", "[64]"};
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 7; j++) {
            char text[512];
            int n = snprintf(text, sizeof text, "{");
            for (size_t k = 0; k < 6; k++)
                n += snprintf(text + n, sizeof text - (size_t)n, "%s\"%s\": %s", k ? "," : "", keys[k],
                              k == i ? values[j] : "64");
            snprintf(text + n, sizeof text - (size_t)n, "}");
            struct error e = {0};
            struct t5_config c;
            CHECK(!parse(&c, text, &e));
            CHECK_HAS(e.text, keys[i]);
        }
    }
    struct error e = {0};
    struct t5_config c;
    CHECK(!parse(&c,
                 "{\"vocab_size\": 300, \"d_model\": 48, \"d_kv\": 4096, \"d_ff\": 100, \"num_heads\": 4096,"
                 "\"num_layers\": 2}",
                 &e));
    CHECK_HAS(e.text, "\"num_heads\" times \"d_kv\"");
}

TEST(the_file_is_named) {
    struct error e = {0};
    struct t5_config c;
    char path[256];
    snprintf(path, sizeof path, "%s/config.json", check_folder());
    CHECK(!t5_config_read(&c, check_folder(), &e));
    CHECK_HAS(e.text, path);
    CHECK_HAS(e.text, "missing");
    CHECK_OK(file_write_atomic(path, "{\n\"d_model\" 7}", 14, &e));
    CHECK(!t5_config_read(&c, check_folder(), &e));
    CHECK_HAS(e.text, path);
    CHECK_HAS(e.text, "line 2");
    CHECK(!t5_config_read(&c, "/no/such/folder", &e));
    CHECK_HAS(e.text, "/no/such/folder is no folder");
    CHECK_OK(file_write_atomic(path, "{" SIZES "}", strlen("{" SIZES "}"), &e));
    CHECK_OK(t5_config_read(&c, check_folder(), &e));
}

// Whatever byte is damaged: either a message, or a config whose every number is inside its limits.
TEST(damaged_configs_never_crash) {
    static const char text[] =
        "{" SIZES ", \"num_decoder_layers\": 2, \"feed_forward_proj\": \"gated-gelu\", "
        "\"layer_norm_epsilon\": 1e-06, \"eos_token_id\": 1, \"pad_token_id\": null}";
    struct random r;
    random_seed(&r, 4, 0);
    size_t refused = 0;
    for (size_t i = 0; i < 20000; i++) {
        char damaged[sizeof text];
        memcpy(damaged, text, sizeof text);
        damaged[random_below(&r, sizeof text - 1)] = (char)random_below(&r, 256);
        if (i % 2)
            damaged[random_below(&r, sizeof text - 1)] = "0123456789-e.{}[]\",: "[random_below(&r, 22)];
        struct error e = {0};
        struct t5_config c;
        if (!t5_config_parse(&c, damaged, sizeof text - 1 - i % 3, &e)) {
            CHECK(e.kind == ERROR_INPUT && e.text[0]);
            refused++;
            continue;
        }
        CHECK(c.vocab_size > 0 && c.d_model > 0 && c.d_model <= 1 << 17 && c.num_layers > 0);
        CHECK(c.layer_norm_epsilon > 0 && c.layer_norm_epsilon < 1);
        CHECK(c.eos_id >= 0 && (size_t)c.eos_id < c.vocab_size);
    }
    CHECK(refused > 10000 && refused < 20000);
}
