// SPDX-License-Identifier: GPL-3.0-or-later
// The base library: errors, UTF-8, memory, files, JSON, random numbers.
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"

static const char *path_of(const char *name) {
    static char ring[4][300];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s/%s", check_folder(), name);
    return out;
}

// ---- errors ----

TEST(errors_carry_kind_and_context) {
    struct error e = {0};
    CHECK(!error_set(&e, ERROR_INPUT, "%d words", 3));
    CHECK(!error_context(&e, "line %d", 7));
    CHECK_TEXT(e.text, "line 7: 3 words");
    CHECK(e.kind == ERROR_INPUT);
    CHECK(!error_set(&e, ERROR_CANCELLED, "after %s", e.text)); // may quote itself
    CHECK_TEXT(e.text, "after line 7: 3 words");
    errno = ENOENT;
    CHECK(!error_system(&e, "cannot open %s", "x"));
    CHECK_TEXT(e.text, "cannot open x: No such file or directory");
    CHECK(e.kind == ERROR_SYSTEM);
    errno = ENOMEM;
    error_system(&e, "x");
    CHECK(e.kind == ERROR_MEMORY);
    CHECK(!error_set(NULL, ERROR_INPUT, "x") && !error_context(NULL, "x") && !error_system(NULL, "x"));
}

TEST(long_errors_are_cut_between_characters) {
    char text[2000] = "";
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x96\x81", 4);
        struct error e = {0};
        error_set(&e, ERROR_INPUT, "%s", text);
        CHECK(strlen(e.text) > 1000 && utf8_valid(e.text, strlen(e.text), NULL));
        error_context(&e, "front");
        CHECK(strlen(e.text) > 1000 && utf8_valid(e.text, strlen(e.text), NULL));
        CHECK(strncmp(e.text, "front: ", 7) == 0);
    }
}

// ---- UTF-8 ----

TEST(messages_can_be_shown_whatever_they_quote) {
    struct error e = {0};
    error_set(&e, ERROR_INPUT, "\"%s\" and \"%.1s\"", "\x1b[2J\x7f\tA\r\n\xc2\x9b\xff", "é");
    CHECK_TEXT(e.text, "\"?[2J? A  ??\" and \"?\"");
    error_context(&e, "%s", "中\xef\xbf\xbd\xe4\xb8");
    CHECK_TEXT(e.text, "中\xef\xbf\xbd??: \"?[2J? A  ??\" and \"?\"");
}

TEST(every_code_point_there_and_back) {
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        uint32_t got;
        size_t n = utf8_encode(c, bytes);
        bool surrogate = c >= 0xd800 && c < 0xe000;
        CHECK_SIZE(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        CHECK_SIZE(utf8_decode(bytes, n, &got), n);
        CHECK(got == (surrogate ? 0xfffd : c));
        CHECK(utf8_valid(bytes, n, NULL));
        for (size_t cut = 1; cut < n; cut++) { // cut short: one byte at a time
            CHECK_SIZE(utf8_decode(bytes, cut, &got), 1);
            CHECK(got == 0xfffd);
        }
    }
    char bytes[4];
    CHECK_SIZE(utf8_encode(0x110000, bytes), 3);
    CHECK(memcmp(bytes, "\xef\xbf\xbd", 3) == 0);
}

TEST(ill_formed_bytes_are_found) {
    static const struct {
        const char *text;
        size_t length, bad;
    } cases[] = {
        {"ab\x80", 3, 2},                                                        // a continuation alone
        {"\xc0\xaf", 2, 0},                                                      // overlong
        {"\xc1\xbf", 2, 0},                                                      // overlong
        {"\xe0\x9f\xbf", 3, 0},                                                  // overlong
        {"\xf0\x8f\xbf\xbf", 4, 0}, {"a\xed\xa0\x80", 4, 1},                     // a surrogate
        {"\xf4\x90\x80\x80", 4, 0},                                              // above U+10FFFF
        {"\xf5\x80\x80\x80", 4, 0}, {"\xff", 1, 0},          {"\xe2\x96", 2, 0}, // cut short
        {"\xe2\x96z", 3, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bad = 99;
        CHECK(!utf8_valid(cases[i].text, cases[i].length, &bad));
        CHECK_SIZE(bad, cases[i].bad);
    }
    CHECK(utf8_valid("\xef\xbf\xbd\0z", 5, NULL)); // U+FFFD itself and NUL are fine
    CHECK(utf8_valid("", 0, NULL));
}

TEST(boundaries_do_not_cut) {
    static const char text[] = "a\xc3\xbc\xe2\x96\x81\xf0\x9f\x98\x80z";
    static const size_t wanted[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t i = 0; i < 13; i++)
        CHECK_SIZE(utf8_boundary(text, 11, i), wanted[i]);
}

// ---- memory ----

TEST(sizes_that_do_not_fit) {
    size_t out;
    struct error e = {0};
    CHECK(size_multiply(3, 4, &out) && out == 12);
    CHECK(!size_multiply(SIZE_MAX / 2 + 1, 2, &out));
    CHECK(!mem_calloc(SIZE_MAX / 2, 4, &e));
    CHECK(e.kind == ERROR_MEMORY);
    CHECK(!mem_calloc_aligned(SIZE_MAX / 2, 4, &e));
    CHECK(!mem_calloc_aligned(SIZE_MAX - 3, 1, &e));
    CHECK(!mem_strndup("x", SIZE_MAX, &e));
    void *p = NULL;
    size_t capacity = 0;
    CHECK(!mem_grow(&p, &capacity, SIZE_MAX / 4, 8, &e));
    CHECK(!p && !capacity);
}

TEST(allocations_are_zeroed_and_aligned) {
    struct error e = {0};
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = mem_calloc_aligned(n, 1, &e), *q = mem_calloc(n, 1, &e);
        CHECK(p && q && (uintptr_t)p % 64 == 0);
        for (size_t i = 0; i < n; i++)
            CHECK(p[i] == 0 && q[i] == 0);
        free(p);
        free(q);
    }
    char *copy = mem_strndup("abc", 2, &e);
    CHECK_TEXT(copy, "ab");
    free(copy);
}

TEST(arrays_grow_and_keep_their_items) {
    struct error e = {0};
    size_t *items = NULL, capacity = 0, grown = 0;
    for (size_t i = 0; i < 5000; i++) {
        size_t before = capacity;
        CHECK_OK(mem_grow(&items, &capacity, i + 1, sizeof *items, &e));
        grown += capacity != before;
        items[i] = i;
    }
    for (size_t i = 0; i < 5000; i++)
        CHECK_SIZE(items[i], i);
    CHECK(grown < 15);
    free(items);
}

TEST(buffers) {
    struct error e = {0};
    struct buffer b = {0};
    for (int i = 0; i < 1000; i++)
        buffer_printf(&b, "%d,", i);
    CHECK(buffer_ok(&b, &e) && strlen(b.data) == b.length && b.length == 3890);
    buffer_clear(&b);
    CHECK_TEXT(b.data, "");
    buffer_add(&b, "a\0b", 3);
    buffer_add_char(&b, 'c');
    buffer_add_text(&b, "d");
    CHECK(b.length == 5 && memcmp(b.data, "a\0bcd", 6) == 0);
    b.failed = true; // as after running out of memory: nothing more goes in, and the end tells
    buffer_add_text(&b, "e");
    buffer_printf(&b, "f");
    CHECK_SIZE(b.length, 5);
    CHECK(!buffer_ok(&b, &e) && e.kind == ERROR_MEMORY);
    CHECK(!buffer_take(&b, &e) && !b.data);
    char *text = buffer_take(&b, &e);
    CHECK_TEXT(text, "");
    free(text);
    buffer_free(NULL);
}

static size_t take_some(struct arena *a, float **first, double **second) {
    arena_reset(a);
    *first = arena_floats(a, 100);
    arena_take(a, 0, 8);
    *second = arena_take(a, 3, sizeof(double));
    return a->used;
}

TEST(an_arena_is_planned_then_used) {
    struct error e = {0};
    struct arena a = {0};
    float *x;
    double *y;
    size_t planned = take_some(&a, &x, &y);
    CHECK(!x && !y && planned == 448 + 64);
    CHECK_OK(arena_reserve(&a, planned, &e));
    void *block = a.base;
    CHECK_SIZE(take_some(&a, &x, &y), planned);
    CHECK((void *)x == block && (uintptr_t)x % 64 == 0 && (char *)y == (char *)x + 448);
    x[99] = 1;
    y[2] = 1;
    CHECK_OK(arena_reserve(&a, planned / 2, &e)); // enough already
    CHECK(a.base == block && a.used == 0 && a.peak == planned);
    CHECK_OK(arena_reserve(&a, planned * 1000, &e));
    CHECK(a.capacity == planned * 1000);
    CHECK(!arena_reserve(&a, SIZE_MAX - 100, &e));
    CHECK(!a.base && !a.capacity);
    arena_free(&a);
}

// ---- files ----

TEST(whole_files) {
    struct error e = {0};
    char *text;
    size_t length;
    CHECK_OK(file_write_atomic(path_of("f"), "a\0b", 3, &e));
    CHECK_OK(file_read(path_of("f"), 3, &text, &length, &e));
    CHECK(length == 3 && memcmp(text, "a\0b", 4) == 0);
    free(text);
    CHECK(!file_read(path_of("f"), 2, &text, &length, &e));
    CHECK(!text);
    CHECK_HAS(e.text, "has 3 bytes, more than the 2");
    CHECK(!file_read(check_folder(), 100, &text, &length, &e));
    CHECK_HAS(e.text, "is a folder, not a file");
    CHECK(!file_read(path_of("absent"), 100, &text, &length, &e));
    CHECK_HAS(e.text, path_of("absent"));
    CHECK(mkfifo(path_of("pipe"), 0600) == 0);
    CHECK(!file_read(path_of("pipe"), 100, &text, &length, &e)); // and does not wait for a writer
    CHECK_HAS(e.text, "device or pipe");
}

static size_t files_in(const char *folder) {
    size_t n = 0;
    DIR *d = opendir(folder);
    if (!d)
        return 99;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return n;
}

TEST(atomic_writing_replaces_or_leaves) {
    struct error e = {0};
    struct file_writer w;
    const char *folder = path_of("atomic"), *path = path_of("atomic/f");
    char *text;
    size_t length;
    CHECK_OK(file_make_folders(folder, &e));
    mode_t mask = umask(027);
    CHECK_OK(file_write_atomic(path, "old", 3, &e));
    struct stat st;
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
    umask(mask);
    CHECK_OK(file_writer_open(&w, path, &e));
    CHECK_OK(file_writer_add(&w, "ne", 2, &e));
    CHECK_OK(file_read(path, 9, &text, &length, &e)); // still the old one
    CHECK_TEXT(text, "old");
    free(text);
    struct file_writer second; // two at once do not meet
    CHECK_OK(file_writer_open(&second, path, &e));
    CHECK_OK(file_writer_add(&second, "thrown away", 11, &e));
    file_writer_close(&second);
    CHECK_OK(file_writer_add(&w, "w", 1, &e));
    CHECK_OK(file_writer_commit(&w, &e));
    file_writer_close(&w);
    file_writer_close(&w);
    CHECK_OK(file_read(path, 9, &text, &length, &e));
    CHECK_TEXT(text, "new");
    free(text);
    CHECK_SIZE(files_in(folder), 1);
    CHECK(mkdir(path_of("atomic/d"), 0777) == 0);
    CHECK(!file_write_atomic(path_of("atomic/d"), "x", 1, &e)); // a folder is in the way
    CHECK_SIZE(files_in(folder), 2);
    CHECK(!file_write_atomic(path_of("nowhere/f"), "x", 1, &e));
    CHECK_HAS(e.text, "nowhere/f");
}

TEST(mappings) {
    struct error e = {0};
    struct file_map map;
    CHECK_OK(file_write_atomic(path_of("m"), "mapped", 6, &e));
    CHECK_OK(file_map_open(&map, path_of("m"), &e));
    CHECK(map.length == 6 && memcmp(map.bytes, "mapped", 6) == 0);
    file_map_close(&map);
    CHECK(!map.bytes && !map.length);
    CHECK_OK(file_write_atomic(path_of("m"), "", 0, &e));
    CHECK_OK(file_map_open(&map, path_of("m"), &e));
    CHECK(!map.bytes && !map.length);
    file_map_close(&map);
    CHECK(!file_map_open(&map, path_of("absent"), &e));
}

TEST(mappings_are_known_by_their_files) {
    struct error e = {0};
    struct file_map map, other;
    char changed[256] = "";
    const char *path = path_of("weights"), *folder = check_folder();
    CHECK_OK(file_write_atomic(path, "0123456789", 10, &e));
    CHECK_OK(file_map_open(&map, path, &e));
    CHECK_OK(file_map_open(&other, path, &e));
    CHECK_TEXT(file_map_at(map.bytes), path);
    CHECK_TEXT(file_map_at(other.bytes + 9), path);
    CHECK(!file_map_at(&map) && !file_map_at(NULL));
    CHECK(!file_maps_changed(folder, changed, sizeof changed));
    // Replaced by a new file: what is mapped is still the old one.
    CHECK_OK(file_write_atomic(path, "abc", 3, &e));
    CHECK(!file_maps_changed(folder, changed, sizeof changed) && map.bytes[9] == '9');
    file_map_close(&map);
    file_map_close(&other);
    // Written to where it lies.
    CHECK_OK(file_map_open(&map, path, &e));
    FILE *f = fopen(path, "r+e");
    CHECK(f && fputs("xyzzy", f) >= 0 && fclose(f) == 0);
    CHECK(file_maps_changed(folder, changed, sizeof changed));
    CHECK_TEXT(changed, path);
    CHECK(!file_maps_changed("/nowhere", changed, sizeof changed));
    const unsigned char *gone = map.bytes;
    file_map_close(&map);
    CHECK(!file_map_at(gone) && !file_maps_changed(folder, changed, sizeof changed));
}

TEST(folders_and_paths) {
    struct error e = {0};
    CHECK_OK(file_make_folders(path_of("x//y/z/"), &e));
    CHECK_OK(file_make_folders(path_of("x/y/z"), &e));
    CHECK(file_is_folder(path_of("x/y/z")) && !file_is_folder(path_of("x/y/q")));
    CHECK_OK(file_write_atomic(path_of("x/file"), "", 0, &e));
    CHECK(file_exists(path_of("x/file")) && !file_is_folder(path_of("x/file")));
    CHECK(!file_make_folders(path_of("x/file/deeper"), &e));
    CHECK_HAS(e.text, "x/file");
    static const struct {
        const char *folder, *name, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"a", "/b", "/b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < 5; i++) {
        char *joined = path_join(joins[i].folder, joins[i].name, &e);
        CHECK_TEXT(joined, joins[i].joined);
        free(joined);
    }
    static const struct {
        const char *path, *folder, *name;
    } parts[] = {{"a/b/c", "a/b", "c"}, {"c", ".", "c"}, {"/c", "/", "c"}, {"a/", "a", ""}};
    for (size_t i = 0; i < 4; i++) {
        char *folder = path_folder(parts[i].path, &e);
        CHECK_TEXT(folder, parts[i].folder);
        free(folder);
        CHECK_TEXT(path_name(parts[i].path), parts[i].name);
    }
    CHECK(path_stays_inside("a/b..c/...d") && path_stays_inside("./a") && path_stays_inside("..a"));
    CHECK(!path_stays_inside("") && !path_stays_inside("/a") && !path_stays_inside(".."));
    CHECK(!path_stays_inside("a/../b") && !path_stays_inside("a/..") && !path_stays_inside("../a"));
}

// ---- JSON ----

static cJSON *parse(const char *text, struct error *e) {
    return json_parse(text, strlen(text), e);
}

TEST(json_mistakes_have_positions) {
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "line 1, column 1: the JSON ends too early"},
        {" \n ", "the JSON ends too early"},
        {"{\"a\": 1", "ends too early"},
        {"[1, 2", "ends too early"},
        {"\"abc", "ends too early"},
        {"{\"a\":1,", "ends too early"},
        {"{\n \"\xc3\xbc\": x}", "line 2, column 7: this is not JSON"},
        {"[1 2]", "this is not JSON"},
        {"{} {}", "line 1, column 4: something follows"},
        {"{}\n\nx", "line 3, column 1: something follows"},
        {"[\n\"a\", \"\xff\"]", "line 2, column 7: this byte is not UTF-8"},
        {"[\"x\\u0000y\"]", "line 1, column 4: \\u0000"},
        {"{\"a\": {\"b\": 1, \"c\": 2, \"b\": 3}}", "\"b\" stands twice"},
        {"[[{\"b\": 1, \"\\u0062\": 3}]]", "\"b\" stands twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        CHECK(!parse(bad[i].text, &e));
        CHECK(e.kind == ERROR_INPUT);
        CHECK_HAS(e.text, bad[i].message);
    }
    struct error e = {0};
    CHECK(!json_parse("{\"a\0b\": 1}", 10, &e));
    CHECK_HAS(e.text, "column 4: a NUL byte");
}

TEST(json_stays_inside_its_text) {
    // Exactly sized allocations, without a terminator: the sanitizers see any byte read behind them.
    static const char *const texts[] = {"{\"1\":1,", "[1, 2]  ", "{\"a\": \"b\\", "12",
                                        "\"a",       "[",        "tru",           "{}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t length = strlen(texts[i]);
        char *exact = malloc(length);
        CHECK(exact);
        memcpy(exact, texts[i], length);
        struct error e = {0};
        cJSON *node = json_parse(exact, length, &e);
        CHECK((node != NULL) == (i == 1 || i == 3 || i == 7));
        cJSON_Delete(node);
        free(exact);
    }
    struct error e = {0};
    cJSON *node = json_parse("[1]]]]", 3, &e); // what lies behind is not looked at
    CHECK(node);
    cJSON_Delete(node);
    static char deep[5000];
    memset(deep, '[', sizeof deep - 1);
    CHECK(!parse(deep, &e));
}

TEST(json_of_very_many_values_is_refused_before_it_is_read) {
    struct error e = {0};
    size_t most = 1 << 22, length = 2 * most + 1; // [0,0,...,0]: the bracket, and a comma for all but one
    char *text = malloc(length + 2);
    CHECK(text);
    for (size_t i = 0; i < length; i++)
        text[i] = i % 2 ? '0' : ',';
    text[0] = '[';
    memcpy(text + length - 1, ",0]", 3);
    cJSON *node = json_parse(text, length + 2, &e);
    free(text);
    CHECK(!node);
    CHECK_HAS(e.text, "line 1, column 8388609: more than 4194304 values");
    char *commas = malloc(most + 4); // in a string they are letters
    CHECK(commas);
    memset(commas, ',', most + 4);
    commas[0] = commas[most + 3] = '"';
    node = json_parse(commas, most + 4, &e);
    free(commas);
    CHECK_OK(node != NULL);
    cJSON_Delete(node);
}

TEST(json_getters) {
    struct error e = {0};
    const char *text = "unset";
    double x = -1;
    bool yes = false;
    size_t n = 77;
    const cJSON *node = NULL;
    cJSON *o =
        parse("{\"s\": \"t\\u00fc\\\"\", \"x\": -2.5, \"b\": true, \"n\": 12, \"big\": 9007199254740992,"
              "\"null\": null, \"l\": [1], \"o\": {}, \"half\": 0.5, \"huge\": 1e999}",
              &e);
    CHECK(o);
    CHECK(json_get_string(o, "s", true, &text, &e) && strcmp(text, "t\xc3\xbc\"") == 0);
    CHECK(json_get_number(o, "x", true, &x, &e) && x == -2.5);
    CHECK(json_get_bool(o, "b", true, &yes, &e) && yes);
    CHECK(json_get_size(o, "n", true, 12, 12, &n, &e) && n == 12);
    CHECK(json_get_size(o, "big", true, 0, (size_t)1 << 53, &n, &e) && n == (size_t)1 << 53);
    CHECK(json_get_array(o, "l", true, &node, &e) && cJSON_IsArray(node));
    CHECK(json_get_object(o, "o", true, &node, &e) && cJSON_IsObject(node));
    n = 77;
    CHECK(json_get_size(o, "absent", false, 0, 9, &n, &e) && n == 77);
    CHECK(json_get_size(o, "null", false, 0, 9, &n, &e) && n == 77);
    CHECK(!json_get_size(o, "null", true, 0, 9, &n, &e));
    CHECK_TEXT(e.text, "\"null\" is missing");
    CHECK(!json_get_size(o, "n", true, 0, 11, &n, &e) && n == 77);
    CHECK_TEXT(e.text, "\"n\" should be a whole number from 0 to 11");
    CHECK(!json_get_size(o, "half", true, 0, 11, &n, &e) && !json_get_size(o, "s", true, 0, 11, &n, &e));
    CHECK(!json_get_size(o, "x", true, 0, 11, &n, &e));
    CHECK(!json_get_string(o, "n", true, &text, &e));
    CHECK_TEXT(e.text, "\"n\" should be a string, but is a number");
    CHECK(!json_get_number(o, "l", false, &x, &e));
    CHECK_TEXT(e.text, "\"l\" should be a number, but is a list");
    CHECK(!json_get_number(o, "huge", false, &x, &e));
    CHECK_TEXT(e.text, "\"huge\" is too large a number");
    CHECK(!json_get_bool(o, "o", false, &yes, &e));
    CHECK_TEXT(e.text, "\"o\" should be true or false, but is an object");
    CHECK(!json_get_object(o, "b", false, &node, &e) && !json_get_array(o, "o", false, &node, &e));
    CHECK(!json_get_string(o, "S", true, &text, &e)); // keys are case-sensitive
    cJSON_Delete(o);
}

TEST(json_put_and_print) {
    struct error e = {0};
    cJSON *o = parse("{\"a\": 1, \"b\": 2}", &e);
    CHECK(o);
    CHECK_OK(json_put(o, "a", cJSON_CreateString("\xc3\xbc\n"), &e));
    CHECK_OK(json_put(o, "c", cJSON_CreateTrue(), &e));
    CHECK(!json_put(o, "d", NULL, &e));
    CHECK(e.kind == ERROR_MEMORY);
    char *text = json_print(o, false, &e);
    CHECK_TEXT(text, "{\"a\":\"\xc3\xbc\\n\",\"b\":2,\"c\":true}");
    free(text);
    text = json_print(o, true, &e);
    CHECK(text && text[strlen(text) - 1] == '\n' && strstr(text, "\"b\":\t2"));
    free(text);
    cJSON_Delete(o);
    CHECK_OK(file_write_atomic(path_of("j"), "{\n]", 3, &e));
    CHECK(!json_read_file(path_of("j"), 100, &e));
    CHECK_HAS(e.text, path_of("j"));
    CHECK_HAS(e.text, "line 2, column 1");
}

// ---- random numbers ----

TEST(the_generator_is_the_published_one) {
    struct random r = {{1, 2, 3, 4}}; // xoshiro256**: s1 * 5 rotated by 7, times 9, worked by hand
    CHECK(random_next(&r) == 11520);
    CHECK(random_next(&r) == 0);
    CHECK(random_next(&r) == 1509978240);
    CHECK(random_next(&r) == 1215971899390074240u);
}

TEST(seed_and_stream_decide_everything) {
    struct random a, b;
    random_seed(&a, 7, 1);
    random_seed(&b, 7, 1);
    for (size_t i = 0; i < 100; i++)
        CHECK(random_next(&a) == random_next(&b));
    uint64_t first[64];
    for (size_t i = 0; i < 64; i++) {
        random_seed(&a, i % 8, i / 8);
        first[i] = random_next(&a);
        for (size_t j = 0; j < i; j++)
            CHECK(first[i] != first[j]);
    }
}

TEST(draws_are_uniform_and_normal) {
    enum { DRAWS = 200000 };
    struct random r;
    random_seed(&r, 1, 0);
    size_t counts[7] = {0};
    double sum = 0, squares = 0, fourth = 0, flat = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        size_t k = random_below(&r, 7);
        CHECK(k < 7);
        counts[k]++;
        double u = random_uniform(&r), z = random_normal(&r);
        CHECK(u >= 0 && u < 1);
        flat += u;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    for (size_t k = 0; k < 7; k++)
        CHECK_NEAR((double)counts[k], DRAWS / 7.0, 5 * sqrt(DRAWS / 7.0));
    CHECK_NEAR(flat / DRAWS, 0.5, 0.004);
    CHECK_NEAR(sum / DRAWS, 0, 0.012);
    CHECK_NEAR(squares / DRAWS, 1, 0.02);
    CHECK_NEAR(fourth / DRAWS, 3, 0.15);
    CHECK_SIZE(random_below(&r, 1), 0);
}

TEST(shuffles_are_fair) {
    struct random r;
    random_seed(&r, 2, 0);
    size_t places[5][5] = {{0}};
    for (size_t round = 0; round < 20000; round++) {
        size_t items[5] = {0, 1, 2, 3, 4}, seen = 0;
        random_shuffle(&r, items, 5);
        for (size_t i = 0; i < 5; i++) {
            places[items[i]][i]++;
            seen |= (size_t)1 << items[i];
        }
        CHECK_SIZE(seen, 31);
    }
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            CHECK_NEAR((double)places[i][j], 4000, 300);
    random_shuffle(&r, NULL, 0);
}

TEST(a_json_string_may_hold_anything) {
    struct error e = {0};
    size_t n;
    static const char text[] = " \"a\\u0000b\\n\\\"\\u00e9\\ud83d\\ude00\xc3\xa9/\\/\" ";
    char *got = json_decode_string(text, sizeof text - 1, &n, &e);
    static const char wanted[] = "a\0b\n\"\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9//";
    CHECK(got != NULL);
    CHECK_SIZE(n, sizeof wanted - 1);
    CHECK(memcmp(got, wanted, sizeof wanted) == 0);
    free(got);
    static const char *const wrong[] = {"",
                                        "\"",
                                        "x",
                                        "\"a\" b",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\ud83d\"",
                                        "\"\\ud83dx\"",
                                        "\"\\udc00\"",
                                        "\"a\nb\"",
                                        "\"\xff\"",
                                        "\"\\",
                                        "[\"a\"]",
                                        "\"\\u00g0\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e = (struct error){0};
        got = json_decode_string(wrong[i], strlen(wrong[i]), &n, &e);
        CHECK(got == NULL);
        CHECK_HAS(e.text, "column ");
    }
}

// The values of the reference (Fowler, Noll, Vo: FNV-1a, 64 bits).
TEST(texts_as_numbers) {
    CHECK(hash_bytes(HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    CHECK(hash_bytes(HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    CHECK(hash_bytes(HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    CHECK(hash_bytes(hash_byte(HASH_START, 'f'), "oobar", 5) == UINT64_C(0x85944171f73967e8));
}
