// SPDX-License-Identifier: GPL-3.0-or-later
// Packed sessions: there and back with everything that they need, and files that are no whole or no honest
// pack.
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/archive.h"
#include "sessions/crc.h"
#include "sessions/pack.h"
#include "sessions/paths.h"
#include "sessions/prompt_file.h"
#include "sessions/session_inside.h"

// ---- a place with a share and a home, fresh for each test ----

static char place[128];

static const char *at(const char *below) {
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", place, below);
    return out;
}

static bool put_bytes(const char *below, const void *bytes, size_t length) {
    char *folder = path_folder(at(below), NULL);
    bool ok = folder && file_make_folders(folder, NULL) && file_write_atomic(at(below), bytes, length, NULL);
    free(folder);
    return ok;
}

static bool put(const char *below, const char *text) {
    return put_bytes(below, text, strlen(text));
}

static bool has_text(const char *path, const char *text) {
    char *found;
    size_t length;
    if (!file_read(path, 1 << 20, &found, &length, NULL))
        return false;
    bool same = strcmp(found, text) == 0;
    free(found);
    return same;
}

static bool set_up(void) {
    static unsigned n;
    snprintf(place, sizeof place, "%s/%u", check_folder(), n++);
    setenv("PROMPTER_SESSIONS", at("home"), 1);
    setenv("PROMPTER_SHARE", at("share"), 1);
    return put("share/models/sprout/config.json", "{}") &&
           put("share/tasks/films/task.json", "{\"name\": \"films\"}") &&
           put("mine/reviews/task.json",
               "{\"name\": \"mine\", \"files\": {\"train\": \"sub/a.csv\", \"test\": "
               "\"b.csv\"}}") &&
           put("mine/reviews/sub/a.csv", "train") && put("mine/reviews/b.csv", "test") &&
           put("mine/reviews/secret.txt", "not named in task.json");
}

static float vectors[6] = {1, 2, 3, 4, 5, 6};

// Two steps of a run, kept.
static bool run_a_little(struct session *s) {
    struct run_array arrays[1] = {{"prompt", 2, 3, vectors}};
    struct run_checkpoint c = {.array = arrays, .arrays = 1, .step = 2, .rate = 0.5, .scored_step = SIZE_MAX};
    struct engine_setup *setup = session_setup(s, false, NULL);
    bool ok = setup != NULL;
    engine_setup_free(setup);
    for (size_t i = 1; ok && i <= 2; i++) {
        struct metric m = {.kind = METRIC_STEP, .step = i, .train_loss = 1};
        session_keep_metric(s, &m);
    }
    return ok && session_keep_checkpoint(s, KEEP_PAUSE, &c, NULL);
}

// A written session with a journal and prompts, closed again.
static bool make(const char *name, const char *task, const char *data) {
    struct session *s = NULL;
    bool ok = session_create(&s, name, NULL, task, data, NULL) && run_a_little(s);
    session_free(s);
    return ok;
}

static bool pack(const char *what, const char *file) {
    struct error e = {0};
    struct buffer notes = {0};
    bool ok = session_pack(what, file, &notes, &e);
    if (!ok)
        printf("%s\n", e.text);
    buffer_free(&notes);
    return ok;
}

// Unpacks, and opens what came out: it must go on with its run.
static bool unpack_and_resume(const char *file, const char *name) {
    struct error e = {0};
    struct buffer notes = {0};
    char *folder = NULL;
    struct session *s = NULL;
    struct engine_setup *setup = NULL;
    bool ok = session_unpack(file, name, NULL, &folder, &notes, &e) && session_open(&s, folder, NULL, &e) &&
              (setup = session_setup(s, false, &e)) && setup->resume && setup->resume->step == 2 &&
              setup->history_count == 2 && !strcmp(session_name(s), name) && !session_notes(s)[0];
    if (!ok)
        printf("%s %s\n", e.text, s ? session_notes(s) : "");
    engine_setup_free(setup);
    session_free(s);
    free(folder);
    buffer_free(&notes);
    return ok;
}

// ---- there and back ----

TEST(a_session_of_a_shipped_task) {
    CHECK(set_up() && make("one", "films", NULL));
    CHECK(put("home/one/notes/read me.txt", "mine") && put("home/one/.hidden", "x") &&
          put("home/one/journal.jsonl.damaged-1", "x") && put("home/one/kept/001/journal.jsonl", "old"));
    CHECK(pack("one", at("one.zip")));
    CHECK(unpack_and_resume(at("one.zip"), "two"));
    CHECK(has_text(at("home/two/notes/read me.txt"), "mine") &&
          has_text(at("home/two/kept/001/journal.jsonl"), "old"));
    CHECK(!file_exists(at("home/two/.hidden")) && !file_exists(at("home/two/journal.jsonl.damaged-1")));
    CHECK(!file_exists(at("home/two/task")) && !file_exists(at("home/one/session.lock")));
    // Neither a file nor a session is overwritten.
    struct error e = {0};
    struct buffer notes = {0};
    char *folder = NULL;
    CHECK(!session_pack("one", at("one.zip"), &notes, &e));
    CHECK_HAS(e.text, "one.zip is there already");
    CHECK(!session_unpack(at("one.zip"), NULL, NULL, &folder, &notes, &e));
    CHECK_HAS(e.text, "there is a session one already");
    CHECK(!session_unpack(at("one.zip"), "../x", NULL, &folder, &notes, &e));
    CHECK_HAS(e.text, "cannot be the name of a session");
    CHECK(!session_pack("nine", at("nine.zip"), &notes, &e));
    CHECK_HAS(e.text, "\"nine\" is no session");
    CHECK_HAS(e.text, "sessions: one, two");
    buffer_free(&notes);
}

TEST(a_task_of_ones_own_comes_along) {
    CHECK(set_up() && make("own", at("mine/reviews"), NULL) && pack("own", at("own.zip")));
    CHECK(rename(at("mine"), at("gone")) == 0 && folder_remove(at("home/own"), NULL));
    CHECK(unpack_and_resume(at("own.zip"), "own"));
    CHECK(has_text(at("home/own/task/reviews/sub/a.csv"), "train"));
    CHECK(has_text(at("home/own/task/reviews/b.csv"), "test"));
    CHECK(!file_exists(at("home/own/task/reviews/secret.txt")));
    // What came out can be packed again, and the folder can be moved.
    CHECK(pack(at("home/own"), at("again.zip")));
    CHECK(rename(at("home/own"), at("moved")) == 0);
    CHECK(unpack_and_resume(at("again.zip"), "third"));
    CHECK(has_text(at("home/third/task/reviews/b.csv"), "test") && !file_exists(at("home/third/task-2")));
}

TEST(data_beside_a_shipped_task) {
    CHECK(set_up());
    CHECK(put("share/tasks/films/task.json", "{\"name\": \"films\", \"files\": {\"train\": \"t.csv\"}}"));
    CHECK(put("elsewhere/films data/t.csv", "1,2") && make("d", "films", at("elsewhere/films data")));
    CHECK(pack("d", at("d.zip")));
    CHECK(unpack_and_resume(at("d.zip"), "e"));
    CHECK(has_text(at("home/e/data/films data/t.csv"), "1,2") && !file_exists(at("home/e/task")));
    struct session *s;
    struct error e = {0};
    CHECK_OK(session_open(&s, "e", NULL, &e));
    CHECK_TEXT(s->parts.task, at("share/tasks/films/task.json"));
    CHECK_TEXT(s->parts.data, at("home/e/data/films data"));
    session_free(s);
}

TEST(a_start_from_a_file_comes_along) {
    struct error e = {0};
    struct session *s;
    struct prompt_matrix m = {vectors, 2, 3};
    CHECK(set_up() && put("prompts/x", "") && prompt_file_write(at("prompts/start.npy"), &m, NULL, &e));
    CHECK_OK(session_create(&s, "s", NULL, "films", NULL, &e));
    struct run_settings settings = *session_settings(s);
    settings.start = START_FILE;
    CHECK_OK(run_settings_set(&settings, "start_file", at("prompts/start.npy"), &e));
    session_set_settings(s, &settings);
    CHECK(run_a_little(s));
    session_free(s);
    CHECK(pack("s", at("s.zip")) && rename(at("prompts"), at("gone")) == 0);
    struct buffer notes = {0};
    char *folder = NULL;
    CHECK_OK(session_unpack(at("s.zip"), "t", NULL, &folder, &notes, &e));
    CHECK_TEXT(folder, at("home/t"));
    free(folder);
    buffer_free(&notes);
    CHECK_OK(session_open(&s, "t", NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK(setup->start_count == 2 && setup->start_vectors[5] == 6);
    CHECK(setup->resume && setup->resume->step == 2); // it is the same run
    engine_setup_free(setup);
    session_free(s);
}

TEST(another_machine_has_the_model_elsewhere) {
    struct error e = {0};
    struct session *s;
    struct buffer notes = {0};
    char *folder = NULL;
    CHECK(set_up() && put("models/big/config.json", "{}") && put("other/big/config.json", "{}"));
    CHECK_OK(session_create(&s, "m", at("models/big"), "films", NULL, &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK_OK(session_pack("m", at("m.zip"), &notes, &e));
    CHECK_HAS(notes.data, "the model big is not in it");
    buffer_clear(&notes);
    CHECK(rename(at("models"), at("gone")) == 0);
    CHECK_OK(session_unpack(at("m.zip"), "here", NULL, &folder, &notes, &e));
    CHECK_HAS(notes.data, "is not here: name its folder with --model");
    free(folder);
    CHECK_OK(session_open(&s, "here", at("other/big"), &e)); // the same one at another place
    CHECK(!s->begin_pending);
    session_free(s);
    CHECK_OK(session_unpack(at("m.zip"), "there", at("other/big"), &folder, &notes, &e));
    free(folder);
    CHECK_OK(session_open(&s, "there", NULL, &e));
    CHECK_TEXT(s->parts.model, at("other/big"));
    session_free(s);
    CHECK(!session_unpack(at("m.zip"), "nowhere", at("none"), &folder, &notes, &e));
    CHECK_HAS(e.text, "there is no model folder");
    CHECK(!file_exists(at("home/nowhere")));
    buffer_free(&notes);
}

TEST(what_cannot_be_packed) {
    struct error e = {0};
    struct buffer notes = {0};
    struct session *s;
    CHECK(set_up() && make("one", at("mine/reviews"), NULL));
    CHECK_OK(session_open(&s, "one", NULL, &e));
    CHECK(!session_pack("one", at("x.zip"), &notes, &e)); // somebody has it open
    CHECK_HAS(e.text, "in this very program");
    session_free(s);
    CHECK(unlink(at("mine/reviews/b.csv")) == 0);
    CHECK(!session_pack("one", at("x.zip"), &notes, &e));
    CHECK_HAS(e.text, "b.csv");
    CHECK(put("mine/reviews/task.json", "{\"files\": {\"train\": \"../../etc/passwd\"}}"));
    CHECK(!session_pack("one", at("x.zip"), &notes, &e));
    CHECK_HAS(e.text, "files.train should be a path that stays in its folder");
    CHECK(unlink(at("mine/reviews/task.json")) == 0);
    CHECK(!session_pack("one", at("x.zip"), &notes, &e));
    CHECK_HAS(e.text, "session.json: \"task\": there is no");
    CHECK(make("two", "films", NULL) && put("home/two/bad\nname", "x"));
    CHECK(!session_pack("two", at("x.zip"), &notes, &e));
    CHECK_HAS(e.text, "cannot be a file's name there");
    CHECK(!file_exists(at("x.zip")));
    CHECK(unlink(at("home/two/bad\nname")) == 0);
    // A full disk leaves nothing behind.
    struct rlimit before, tiny = {300, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    CHECK(mkdir(at("full"), 0777) == 0 && getrlimit(RLIMIT_FSIZE, &before) == 0);
    tiny.rlim_max = before.rlim_max;
    CHECK(setrlimit(RLIMIT_FSIZE, &tiny) == 0);
    bool packed = session_pack("two", at("full/x.zip"), &notes, &e);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(!packed && rmdir(at("full")) == 0);
    buffer_free(&notes);
}

// ---- zip files made by hand ----

struct zip {
    struct buffer bytes, directory;
    unsigned entries;
};

static void put16(struct buffer *b, unsigned x) {
    unsigned char bytes[2] = {(unsigned char)x, (unsigned char)(x >> 8)};
    buffer_add(b, bytes, 2);
}

static void put32(struct buffer *b, uint32_t x) {
    put16(b, x & 0xffff);
    put16(b, x >> 16);
}

struct entry {
    const char *name, *text;
    uint32_t mode;       // of UNIX; 0: a plain file
    uint32_t crc_change; // 1: a wrong checksum
    uint32_t claimed;    // unpacked size, 0: the right one
    unsigned method, flags;
};

static void common(struct buffer *b, const struct entry *x, uint32_t size) {
    uint32_t length = (uint32_t)strlen(x->text);
    put16(b, x->flags);
    put16(b, x->method);
    put32(b, 0x58210000); // a date
    put32(b, crc_of(x->text, length) ^ x->crc_change);
    put32(b, length);
    put32(b, size);
    put16(b, (unsigned)strlen(x->name));
    put16(b, 0);
}

static void zip_add(struct zip *z, const struct entry *x) {
    uint32_t at_byte = (uint32_t)z->bytes.length, size = x->claimed ? x->claimed : (uint32_t)strlen(x->text);
    put32(&z->bytes, 0x04034b50);
    put16(&z->bytes, 20);
    common(&z->bytes, x, size);
    buffer_add_text(&z->bytes, x->name);
    buffer_add_text(&z->bytes, x->text);
    put32(&z->directory, 0x02014b50);
    put16(&z->directory, 3 << 8 | 20);
    put16(&z->directory, 20);
    common(&z->directory, x, size);
    put16(&z->directory, 0);
    put16(&z->directory, 0);
    put16(&z->directory, 0);
    put32(&z->directory, (x->mode ? x->mode : 0100644) << 16);
    put32(&z->directory, at_byte);
    buffer_add_text(&z->directory, x->name);
    z->entries++;
}

static bool zip_write(struct zip *z, const char *below) {
    size_t directory_at = z->bytes.length;
    buffer_add(&z->bytes, z->directory.data ? z->directory.data : "", z->directory.length);
    put32(&z->bytes, 0x06054b50);
    put32(&z->bytes, 0);
    put16(&z->bytes, z->entries);
    put16(&z->bytes, z->entries);
    put32(&z->bytes, (uint32_t)z->directory.length);
    put32(&z->bytes, (uint32_t)directory_at);
    put16(&z->bytes, 0);
    bool ok = buffer_ok(&z->bytes, NULL) && put_bytes(below, z->bytes.data, z->bytes.length);
    buffer_free(&z->bytes);
    buffer_free(&z->directory);
    return ok;
}

static const char good[] = "{\"version\": 1, \"name\": \"good\", \"model\": \"shipped:sprout\", \"task\": "
                           "\"shipped:films\"}";

// Unpacks a file with session.json and one more entry, and expects failure; the message. Nothing may be left.
static const char *refused(const char *session, const struct entry *more) {
    static struct error e;
    struct zip z = {0};
    struct buffer notes = {0};
    char *folder = NULL;
    e = (struct error){0};
    if (session)
        zip_add(&z, &(struct entry){.name = "session.json", .text = session});
    if (more)
        zip_add(&z, more);
    if (!zip_write(&z, "bad.zip"))
        return "(not written)";
    bool ok = session_unpack(at("bad.zip"), NULL, NULL, &folder, &notes, &e);
    buffer_free(&notes);
    free(folder);
    struct name_list left = {0};
    DIR *d = opendir(at("home"));
    size_t files = 0;
    for (struct dirent *x; d && (x = readdir(d));)
        files += strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0;
    if (d)
        closedir(d);
    name_list_free(&left);
    return ok ? "(it was unpacked)" : files ? "(something was left behind)" : e.text;
}

TEST(a_zip_file_made_by_hand_is_taken) {
    CHECK(set_up());
    CHECK_TEXT(refused(good, &(struct entry){.name = "a/b.txt", .text = "hello"}), "(it was unpacked)");
    CHECK(has_text(at("home/good/a/b.txt"), "hello"));
}

TEST(dishonest_packs) {
    static const struct {
        struct entry entry;
        const char *message;
    } cases[] = {
        {{.name = "../evil", .text = "x"}, "leads to no other folder"},
        {{.name = "a/../../evil", .text = "x"}, "leads to no other folder"},
        {{.name = "a/..", .text = "x"}, "leads to no other folder"},
        {{.name = "/tmp/evil", .text = "x"}, "leads to no other folder"},
        {{.name = "a//b", .text = "x"}, "leads to no other folder"},
        {{.name = "./a", .text = "x"}, "leads to no other folder"},
        {{.name = "a\nb", .text = "x"}, "leads to no other folder"},
        {{.name = "\xff\xfe", .text = "x"}, "should be UTF-8"},
        {{.name = "session.json", .text = "{}"}, "this is no whole zip file, or no honest one"},
        {{.name = "link", .text = "/etc/passwd", .mode = 0120777}, "neither a file nor a folder"},
        {{.name = "pipe", .text = "", .mode = 0010644}, "neither a file nor a folder"},
        {{.name = "wrong", .text = "abc", .crc_change = 1}, "wrong: "},
        {{.name = "huge", .text = "abc", .claimed = 0xf0000000}, "more than 1024 MB"},
        {{.name = "long", .text = "abc", .claimed = 2}, "bad.zip"},
        {{.name = "short", .text = "abc", .claimed = 4}, "bad.zip"},
        {{.name = "code", .text = "abc", .flags = 1}, "bad.zip"},
        {{.name = "lzma", .text = "abc", .method = 14}, "compressed in a way"},
        {{.name = "session.json/x", .text = "abc"}, "bad.zip"}, // a file cannot be a folder, too
    };
    CHECK(set_up());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *message = refused(good, &cases[i].entry);
        CHECK_HAS(message, cases[i].message);
        CHECK(strstr(message, "bad.zip") || strstr(message, "session.json"));
    }
    CHECK(!file_exists(at("evil")) && !file_exists(at("home/evil")) && !file_exists("/tmp/evil"));
}

TEST(dishonest_sessions) {
    static const char *const cases[][2] = {
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"/etc/passwd\"}",
         "\"task\" leads out of the session's folder (/etc/passwd)"},
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"../../mine/reviews\"}",
         "\"task\" leads out"},
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"shipped:../x\"}",
         "leads out of the shipped tasks"},
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"shipped:none\"}",
         "neither in the pack nor here"},
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", "
         "\"data\": "
         "\"a/../../..\"}",
         "\"data\" leads out"},
        {"{\"version\": 1, \"name\": \"x\", \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", "
         "\"settings\": {\"start\": \"file\", \"start_file\": \"/etc/passwd\"}}",
         "settings.start_file leads out"},
        {"{\"version\": 1, \"name\": \"../x\", \"model\": \"shipped:sprout\", \"task\": \"shipped:films\"}",
         "name the session behind the file"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\"}",
         "name the session behind the file"},
        {"{\"version\": 9}", "newer Prompter"},
        {"[", "session.json: line 1"},
        {NULL, "this is no packed session"},
    };
    CHECK(set_up());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_HAS(refused(cases[i][0], NULL), cases[i][1]);
        CHECK_HAS(refused(cases[i][0], NULL), "bad.zip");
    }
}

// Every file that is cut off, and every file with a byte changed, is refused or comes out as it went in.
TEST(broken_packs) {
    struct error e = {0};
    char *bytes, *folder;
    size_t length;
    CHECK(set_up() && make("one", "films", NULL));
    CHECK(put("home/one/text", "some text that must come out as it went in, or not at all"));
    CHECK(pack("one", at("one.zip")));
    CHECK_OK(file_read(at("one.zip"), 1 << 20, &bytes, &length, &e));
    size_t taken = 0, step = length / 150 + 1;
    for (size_t i = 0; i < length; i += step) {
        struct buffer notes = {0};
        bool cut = (i / step) % 2;
        bytes[i] ^= 0x10;
        bool ok = put_bytes("broken.zip", bytes, cut ? i : length);
        bytes[i] ^= 0x10;
        CHECK(ok);
        if (session_unpack(at("broken.zip"), "broken", NULL, &folder, &notes, &e)) {
            taken++;
            CHECK(!cut);
            // A name or a date may have changed: what has a checksum has not.
            CHECK(!file_exists(at("home/broken/text")) ||
                  has_text(at("home/broken/text"),
                           "some text that must come out as it went in, or not at all"));
            CHECK(folder_remove(folder, NULL));
            free(folder);
        }
        CHECK(!file_exists(at("home/broken")));
        buffer_free(&notes);
    }
    CHECK(taken < 75);
    free(bytes);
    CHECK(put("text.zip", "this is a text"));
    CHECK(!session_unpack(at("text.zip"), "x", NULL, &folder, NULL, &e));
    CHECK_HAS(e.text, "this is no whole zip file");
    CHECK(!session_unpack(at("home"), "x", NULL, &folder, NULL, &e));
    CHECK_HAS(e.text, "is a folder");
    CHECK(!session_unpack(at("none.zip"), "x", NULL, &folder, NULL, &e));
    CHECK_HAS(e.text, "cannot open");
}

TEST(too_many_files) {
    struct zip z = {0};
    struct error e = {0};
    struct buffer notes = {0};
    char *folder = NULL, name[32];
    CHECK(set_up());
    zip_add(&z, &(struct entry){.name = "session.json", .text = good});
    for (int i = 0; i < PACK_MOST_FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        zip_add(&z, &(struct entry){.name = name, .text = ""});
    }
    CHECK(zip_write(&z, "many.zip"));
    CHECK(!session_unpack(at("many.zip"), NULL, NULL, &folder, &notes, &e));
    CHECK_HAS(e.text, "many.zip: it has more than 10000 files");
}
