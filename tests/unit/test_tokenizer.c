// SPDX-License-Identifier: GPL-3.0-or-later
// The tokenizer: the golden file of T5's model, sentinels and special names, decoding, damaged model files.
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"
#include "engine/model/spiece.h"
#include "engine/model/spiece_check.h"
#include "engine/model/tokenizer.h"

static struct tokenizer *sprout(struct error *e) {
    struct tokenizer *t = NULL;
    tokenizer_load(&t, "tests/share/models/sprout", e);
    return t;
}

// ---- T5's own model ----

// The golden lines hold "\u0000", which the reader of JSON refuses: strings are read here, to bytes and
// length.
static const char *read_string(const char *at, struct buffer *out) {
    uint32_t high = 0;
    for (at++; *at != '"'; at++) {
        if (*at != '\\') {
            buffer_add_char(out, *at);
            continue;
        }
        static const char from[] = "nrtbf\"\\/", to[] = "\n\r\t\b\f\"\\/";
        const char *simple = strchr(from, *++at);
        if (simple) {
            buffer_add_char(out, to[simple - from]);
            continue;
        }
        char hex[5] = {at[1], at[2], at[3], at[4], 0}, bytes[4];
        uint32_t code = (uint32_t)strtoul(hex, NULL, 16);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00) {
            high = code;
            continue;
        }
        if (code >= 0xdc00 && code < 0xe000)
            code = 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00);
        buffer_add(out, bytes, utf8_encode(code, bytes));
    }
    return at + 1;
}

struct golden {
    struct buffer text, pieces; // pieces: each followed by the byte 0xff
    struct token_list ids;
};

static void golden_free(struct golden *g) {
    buffer_free(&g->text);
    buffer_free(&g->pieces);
    token_list_free(&g->ids);
}

// {"text": "...", "ids": [...], "pieces": [...]}
static bool read_golden(const char *line, struct golden *g) {
    const char *at = strstr(line, "\"text\": "), *ids;
    if (!at)
        return false;
    at = read_string(at + 8, &g->text);
    ids = strstr(at, "\"ids\": [");
    at = strstr(at, "\"pieces\": [");
    if (!ids || !at)
        return false;
    for (ids += 8; *ids != ']'; ids += strspn(ids, ", ")) {
        char *end;
        token_list_add(&g->ids, (int32_t)strtol(ids, &end, 10), NULL);
        ids = end;
    }
    for (at += 11; *at != ']'; at += strspn(at, ", ")) {
        at = read_string(at, &g->pieces);
        buffer_add_char(&g->pieces, (char)0xff);
    }
    return true;
}

static bool add_piece(void *context, const char *piece, size_t length) {
    buffer_add(context, piece, length);
    buffer_add_char(context, (char)0xff);
    return true;
}

static bool ids_agree(const struct tokenizer *t, const struct golden *g) {
    struct token_list got = {0};
    bool same = tokenizer_encode(t, g->text.data, g->text.length, &got, NULL) && got.count == g->ids.count &&
                (!got.count || memcmp(got.id, g->ids.id, got.count * sizeof *got.id) == 0);
    token_list_free(&got);
    return same;
}

static bool pieces_agree(const struct spiece *s, const struct golden *g) {
    struct buffer got = {0};
    char why[64];
    bool same = spiece_encode_text(s, g->text.data, g->text.length, add_piece, &got, why, sizeof why) &&
                got.length == g->pieces.length &&
                (!got.length || memcmp(got.data, g->pieces.data, got.length) == 0);
    buffer_free(&got);
    return same;
}

TEST(t5_golden_file_agrees) {
    const char *path = check_shared("data/tokenizers/t5/spiece.model");
    if (!path || !file_exists(path))
        SKIP("no shared tokenizer");
    struct error e = {0};
    struct tokenizer *t;
    char *bytes, *lines, why[128];
    size_t length, count = 0;
    CHECK_OK(tokenizer_load(&t, path, &e));
    CHECK_OK(file_read(path, 1 << 24, &bytes, &length, &e));
    struct spiece *s = spiece_load(bytes, length, why, sizeof why);
    free(bytes);
    CHECK(s);
    CHECK_OK(file_read(check_shared("data/tokenizers/t5/golden.jsonl"), 1 << 24, &lines, &length, &e));
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        struct golden g = {0};
        CHECK(read_golden(line, &g));
        if (!ids_agree(t, &g) || !pieces_agree(s, &g))
            check_failed(__FILE__, __LINE__, "line %zu: %.100s", count + 1, line);
        count++;
        golden_free(&g);
    }
    CHECK(count >= 600);
    CHECK_SIZE(tokenizer_pieces(t), 32000);
    CHECK_SIZE(tokenizer_ids(t), 32100);
    CHECK_SIZE(tokenizer_sentinel(t, 0), 32099);
    CHECK_SIZE(tokenizer_sentinel(t, 99), 32000);
    CHECK_TEXT(tokenizer_piece(t, 32099), "<extra_id_0>");
    CHECK_TEXT(tokenizer_piece(t, 32127), "<id 32127>");
    free(lines);
    spiece_free(s);
    tokenizer_free(t);
}

// ---- sprout, which is shipped ----

#define LOAD_SPROUT(t)                                                                                       \
    struct error e = {0};                                                                                    \
    struct tokenizer *t = sprout(&e);                                                                        \
    if (!t) {                                                                                                \
        check_failed(__FILE__, __LINE__, "%s", e.text);                                                      \
        return;                                                                                              \
    }

TEST(sprout_has_its_pieces_and_sentinels) {
    LOAD_SPROUT(t);
    CHECK_SIZE(tokenizer_pieces(t), 1176);
    CHECK_SIZE(tokenizer_ids(t), 1276);
    CHECK_SIZE(tokenizer_find(t, "<extra_id_0>"), 1275);
    CHECK_SIZE(tokenizer_find(t, "<extra_id_99>"), 1176);
    CHECK_TEXT(tokenizer_piece(t, 1275), "<extra_id_0>");
    CHECK_TEXT(tokenizer_piece(t, 1176), "<extra_id_99>");
    CHECK_SIZE(tokenizer_find(t, "</s>"), 1);
    CHECK_SIZE(tokenizer_find(t, "<pad>"), 0);
    CHECK_SIZE(tokenizer_find(t, "<unk>"), 2);
    CHECK(tokenizer_find(t, "\xe2\x96\x81good") > 2);
    CHECK(tokenizer_find(t, "<extra_id_100>") == -1);
    CHECK(tokenizer_find(t, "<extra_id_00>") == -1);
    CHECK(tokenizer_find(t, "</s> ") == -1);
    CHECK(tokenizer_find(t, "no such piece") == -1);
    CHECK(tokenizer_find(t, "") == -1);
    CHECK(tokenizer_sentinel(t, 100) == -1);
    CHECK_TEXT(tokenizer_piece(t, -1), "<no such id>");
    CHECK_TEXT(tokenizer_piece(t, 1276), "<id 1276>");
    CHECK_TEXT(tokenizer_piece(t, 2000000000), "<no such id>");
    for (int32_t id = -1; id < 1290; id++)
        CHECK(tokenizer_is_special(t, id) == (id < 3 || id >= 1176));
    for (int32_t id = 0; id < 1276; id++)
        CHECK_SIZE(tokenizer_find(t, tokenizer_piece(t, id)), id);
    tokenizer_free(t);
}

TEST(special_names_in_a_text) {
    LOAD_SPROUT(t);
    static const char text[] = "It was <extra_id_0>. </s><extra_id_7>good <extra_id_x> <";
    struct token_list plain = {0}, special = {0}, parts = {0};
    CHECK_OK(tokenizer_encode(t, text, strlen(text), &plain, &e));
    for (size_t i = 0; i < plain.count; i++)
        CHECK(plain.id[i] < 1176 && plain.id[i] > 1);
    CHECK_OK(tokenizer_encode_special(t, text, strlen(text), &special, &e));
    static const char *const between[] = {"It was ", ".", "", "good <extra_id_x> <"};
    static const int32_t then[] = {1275, 1, 1268};
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(tokenizer_encode(t, between[i], strlen(between[i]), &parts, &e));
        if (i < 3)
            token_list_add(&parts, then[i], &e);
    }
    CHECK_SIZE(special.count, parts.count);
    CHECK(memcmp(special.id, parts.id, parts.count * sizeof *parts.id) == 0);
    token_list_free(&plain);
    token_list_free(&special);
    token_list_free(&parts);
    tokenizer_free(t);
}

TEST(encoding_appends_and_minds_the_length) {
    LOAD_SPROUT(t);
    struct token_list ids = {0};
    CHECK_OK(tokenizer_encode(t, "good film", 4, &ids, &e));
    CHECK_SIZE(ids.count, 1);
    CHECK_SIZE(ids.id[0], tokenizer_find(t, "\xe2\x96\x81good"));
    CHECK_OK(tokenizer_encode(t, "film", 0, &ids, &e));
    CHECK_OK(tokenizer_encode(t, "film", 4, &ids, &e));
    CHECK_SIZE(ids.count, 2);
    CHECK_OK(tokenizer_encode(t, "\xff\xfe\0bad bytes", 12, &ids, &e)); // never fails on bytes
    token_list_free(&ids);
    tokenizer_free(t);
}

TEST(decoding_reads_as_text) {
    LOAD_SPROUT(t);
    struct token_list ids = {0};
    static const char text[] = "The film was <extra_id_0>good.</s>";
    CHECK_OK(tokenizer_encode_special(t, text, strlen(text), &ids, &e));
    char *back = tokenizer_decode(t, ids.id, ids.count, &e);
    CHECK_TEXT(back, "The film was<extra_id_0> good.</s>"); // pieces carry the space in front of a word
    free(back);
    back = tokenizer_decode(t, NULL, 0, &e);
    CHECK_TEXT(back, "");
    free(back);
    token_list_free(&ids);
    tokenizer_free(t);
}

// ---- a model made here: sentinels as pieces (as mT5 has them), byte pieces ----

static void add_varint(struct buffer *b, size_t n) {
    for (; n >= 128; n >>= 7)
        buffer_add_char(b, (char)(n | 128));
    buffer_add_char(b, (char)n);
}

static void add_message(struct buffer *b, int field, const void *bytes, size_t length) {
    buffer_add_char(b, (char)(field << 3 | 2));
    add_varint(b, length);
    buffer_add(b, bytes, length);
}

static void add_model_piece(struct buffer *model, const char *text, float score, int type) {
    struct buffer piece = {0};
    add_message(&piece, 1, text, strlen(text));
    buffer_add_char(&piece, 2 << 3 | 5);
    buffer_add(&piece, &score, sizeof score);
    buffer_add_char(&piece, 3 << 3 | 0);
    buffer_add_char(&piece, (char)type);
    add_message(model, 1, piece.data, piece.length);
    buffer_free(&piece);
}

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, BYTE = 6 };

static void add_trainer(struct buffer *model) {
    static const unsigned char byte_fallback[] = {0x98, 0x02, 1}; // field 35: true
    add_message(model, 2, byte_fallback, sizeof byte_fallback);
}

TEST(sentinels_and_bytes_inside_the_model) {
    struct buffer model = {0};
    add_model_piece(&model, "<pad>", 0, CONTROL);
    add_model_piece(&model, "</s>", 0, CONTROL);
    add_model_piece(&model, "<unk>", 0, UNKNOWN);
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        add_model_piece(&model, name, -9, BYTE);
    }
    add_model_piece(&model,
                    "\xe2\x96\x81"
                    "a",
                    -1, NORMAL);
    add_model_piece(&model, "\xe2\x96\x81", -2, NORMAL);
    add_model_piece(&model, "\xe2\x96\x81<extra_id_1>", 0, NORMAL);
    add_model_piece(&model, "\xe2\x96\x81<extra_id_0>", 0, NORMAL);
    add_trainer(&model);
    char path[256];
    snprintf(path, sizeof path, "%s/bytes.model", check_folder());
    struct error e = {0};
    struct tokenizer *t;
    CHECK_OK(file_write_atomic(path, model.data, model.length, &e));
    CHECK_OK(tokenizer_load(&t, path, &e));
    CHECK_SIZE(tokenizer_ids(t), 263);
    CHECK_SIZE(tokenizer_sentinel(t, 0), 262);
    CHECK_SIZE(tokenizer_sentinel(t, 1), 261);
    CHECK(tokenizer_sentinel(t, 2) == -1);
    CHECK(tokenizer_is_special(t, 262) && !tokenizer_is_special(t, 260));
    CHECK_TEXT(tokenizer_piece(t, 262), "<extra_id_0>");
    CHECK_SIZE(tokenizer_find(t, "<extra_id_0>"), 262);
    struct token_list ids = {0};
    CHECK_OK(tokenizer_encode(t, "a \xc3\xbc", 4, &ids, &e));
    static const int32_t wanted[] = {259, 260, 3 + 0xc3, 3 + 0xbc};
    CHECK_SIZE(ids.count, 4);
    CHECK(memcmp(ids.id, wanted, sizeof wanted) == 0);
    char *text = tokenizer_decode(t, ids.id, ids.count, &e);
    CHECK_TEXT(text, "a \xc3\xbc");
    free(text);
    text = tokenizer_decode(t, ids.id, 3, &e); // half of the letter
    CHECK_TEXT(text, "a \xef\xbf\xbd");
    free(text);
    token_list_free(&ids);
    buffer_free(&model);
    tokenizer_free(t);
}

// ---- damaged files ----

// Loads the bytes and tokenizes something in a child: whatever happens there must end in an ordinary exit.
// Returns 0 loaded, 1 refused with a message, other: died. Anything on stderr counts as dying.
static int try_bytes(const char *bytes, size_t length) {
    char path[256], log[256];
    snprintf(path, sizeof path, "%s/damaged.model", check_folder());
    snprintf(log, sizeof log, "%s/damaged.log", check_folder());
    file_write_atomic(path, bytes, length, NULL);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen(log, "w", stderr))
            _exit(9);
        struct error e = {0};
        struct tokenizer *t;
        struct token_list ids = {0};
        static const char text[] =
            "A good film, \xef\xbc\xa1\xcc\x88 \xc2\xbd \xe7\x94\xb5\xe5\xbd\xb1 it was. <0x41>";
        bool loaded = tokenizer_load(&t, path, &e);
        if (loaded) {
            tokenizer_encode(t, text, strlen(text), &ids, &e);
            free(tokenizer_decode(t, ids.id, ids.count, &e));
            token_list_free(&ids);
            tokenizer_free(t);
        }
        fflush(stderr);
        _exit(loaded ? 0 : strstr(e.text, "damaged.model") && strlen(e.text) > strlen(path) + 10 ? 1 : 7);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    char *said = NULL;
    size_t said_length = 0;
    if (file_read(log, 1 << 20, &said, &said_length, NULL) && said_length)
        status = -1;
    free(said);
    return WIFEXITED(status) && status != -1 ? WEXITSTATUS(status) : 99;
}

TEST(damaged_models_are_refused_or_work) {
    struct error e = {0};
    char *bytes;
    size_t length;
    CHECK_OK(file_read("tests/share/models/sprout/spiece.model", 1 << 24, &bytes, &length, &e));
    struct random r;
    random_seed(&r, 5, 0);
    CHECK_SIZE(try_bytes(bytes, length), 0);
    CHECK_SIZE(try_bytes(bytes, 0), 1);
    CHECK_SIZE(try_bytes("garbage that is no model", 24), 1);
    for (size_t i = 0; i < 12; i++)
        CHECK_SIZE(try_bytes(bytes, length - 1 - random_below(&r, length - 1) / 2), 1); // cut in the tables
    char *damaged = mem_calloc(length, 1, &e);
    CHECK(damaged);
    for (size_t i = 0; i < 60; i++) {
        memcpy(damaged, bytes, length);
        for (size_t j = 0; j <= i % 3; j++)
            damaged[random_below(&r, i % 2 ? length : 20000)] ^= (char)(1 + random_below(&r, 255));
        int result = try_bytes(damaged, length);
        if (result != 0 && result != 1) {
            check_failed(__FILE__, __LINE__, "damaged copy %zu ends with %d", i, result);
            break;
        }
    }
    free(damaged);
    free(bytes);
}

TEST(a_table_that_points_outside_is_refused) {
    // One unit only: its search would look at 256.
    unsigned char table[] = {4, 0, 0, 0, 0, 4, 0, 0, 'x', 0};
    struct buffer normaliser = {0}, model = {0};
    struct error e = {0};
    add_message(&normaliser, 2, table, sizeof table);
    add_model_piece(&model, "<unk>", 0, UNKNOWN);
    add_message(&model, 3, normaliser.data, normaliser.length);
    CHECK(!spiece_check(model.data, model.length, &e));
    CHECK_HAS(e.text, "points outside");
    buffer_clear(&model);
    add_model_piece(&model, "a", NAN, NORMAL);
    CHECK(!spiece_check(model.data, model.length, &e));
    CHECK_HAS(e.text, "score of piece 0");
    buffer_free(&normaliser);
    buffer_free(&model);
}

TEST(a_missing_model_is_named) {
    struct error e = {0};
    struct tokenizer *t;
    CHECK(!tokenizer_load(&t, check_folder(), &e));
    CHECK(!t);
    CHECK_HAS(e.text, "/spiece.model is missing");
}
