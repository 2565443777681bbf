// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions: what a name means, session.json checked and kept, one program at a time, copies and lists.
#include "session_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "sessions/prompt_file.h"

// ---- names ----

TEST(a_task_makes_a_session_that_is_not_written) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, NULL, NULL, &e));
    CHECK_TEXT(session_name(s), "films");
    CHECK_TEXT(session_folder(s), at("home/films"));
    CHECK(!session_changed(s) && !file_exists(at("home")));
    CHECK_TEXT(session_template(s), "");
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK_TEXT(setup->model_folder, at("share/models/sprout"));
    CHECK_TEXT(setup->task_path, at("share/tasks/films/task.json"));
    CHECK(!setup->template_text && !setup->label_words && !setup->data_folder && !setup->resume);
    engine_setup_free(setup);
    CHECK_OK(session_save(s, &e));
    CHECK(file_exists(at("home/films/session.json")) && file_exists(at("home/films/session.lock")));
    session_free(s);
    CHECK(!file_exists(at("home/films/session.lock")));
}

TEST(every_way_to_name_one) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_create(&s, "try", "other", at("mine"), NULL, &e));
    CHECK(session_changed(s));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    const char *ways[] = {"try", at("home/try"), at("home/try/"), at("home/try/session.json")};
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(session_open(&s, ways[i], NULL, &e));
        CHECK_TEXT(session_name(s), "try");
        session_free(s);
    }
    const char *tasks[] = {"claims", "shipped:claims", at("share/tasks/claims"),
                           at("share/tasks/claims/task.json")};
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(session_open(&s, tasks[i], NULL, &e));
        CHECK_TEXT(session_name(s), "claims");
        session_free(s);
    }
}

TEST(two_tasks_of_one_name_have_two_sessions) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(saved("films"));
    CHECK_OK(session_open(&s, at("mine"), NULL, &e));
    CHECK_TEXT(session_name(s), "films-2");
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK_OK(session_open(&s, at("mine/task.json"), NULL, &e)); // found again
    CHECK_TEXT(session_name(s), "films-2");
    CHECK(s->written);
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_TEXT(s->parts.task, at("share/tasks/films/task.json"));
    session_free(s);
}

TEST(what_is_nothing_lists_what_there_is) {
    CHECK(set_up());
    CHECK(saved("claims"));
    const char *message = refusal("fimls", NULL);
    CHECK_HAS(message, "\"fimls\" is no session");
    CHECK_HAS(message, "did you mean \"films\"?");
    CHECK_HAS(message, "sessions: claims;");
    CHECK_HAS(message, "shipped tasks: claims, films");
    CHECK(!strstr(refusal("weather", NULL), "did you mean"));
    CHECK_HAS(refusal(at("model"), NULL), "no folder or file with a session or a task");
    CHECK_HAS(refusal("films", "sprot"), "there is no model folder sprot; did you mean \"sprout\"?");
    CHECK_HAS(refusal("films", "sprot"), "shipped models: other, sprout");
    CHECK_HAS(refusal("shipped:../../mine", NULL), "is no session");
    CHECK(put("bad/task.json", "{\"name\": "));
    CHECK_HAS(refusal(at("bad"), NULL), "bad/task.json: line 1");
    struct error e = {0};
    struct session *s;
    CHECK(!session_create(&s, "claims", NULL, "films", NULL, &e));
    CHECK_HAS(e.text, "there is a session claims already");
    CHECK(!session_create(&s, "a/b", NULL, "films", NULL, &e));
    CHECK_HAS(e.text, "cannot be the name of a session");
    CHECK(!session_create(&s, "..", NULL, "films", NULL, &e));
    CHECK(!session_create(&s, "", NULL, "films", NULL, &e));
    CHECK(!session_create(&s, "x\n", NULL, "films", NULL, &e));
}

TEST(share_is_found_beside_the_program) {
    unsetenv("PROMPTER_SHARE");
    struct error e = {0};
    char *models = share_folder("models", &e), *tasks = share_folder("tasks", &e);
    CHECK_OK(models && tasks);
    size_t n = strlen(models), m = strlen(tasks);
    bool source = n > 14 && strcmp(models + n - 14, "/engine/models") == 0 && m > 15 &&
                  strcmp(tasks + m - 15, "/sessions/tasks") == 0 && file_is_folder(models);
    free(models);
    free(tasks);
    CHECK(source);
}

// ---- session.json ----

TEST(parts_and_unknown_keys_survive) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(put("home/kept/session.json",
              "{\"mood\": [1, 2], \"version\": 1, \"model\": \"shipped:other\", \"task\": \"task.json\", "
              "\"data\": \"data\", \"label_words\": {\"a\": [\"x\"]}, \"settings\": {\"rate\": 0.3, "
              "\"optimizer\": \"sgd\", \"dev_from_train\": true, \"rats\": 5}}"));
    CHECK(put_task("home/kept/task.json", "own"));
    CHECK_OK(session_open(&s, "kept", NULL, &e));
    CHECK_HAS(session_notes(s), "settings.rats is not a setting (did you mean \"rate\"?)");
    CHECK(session_settings(s)->rate == 0.3 && session_settings(s)->optimizer == RUN_SGD);
    CHECK(session_settings(s)->dev_from_train && session_settings(s)->batch == 8);
    CHECK_TEXT(session_label_words(s), "{\"a\":[\"x\"]}");
    CHECK_TEXT(s->parts.task, at("home/kept/task.json"));
    CHECK_TEXT(s->parts.data, at("home/kept/data"));
    CHECK_OK(session_set_template(s, "{text_a} \"q\" é {mask}", &e));
    struct run_settings settings = *session_settings(s);
    settings.seed = 9007199254740991ull;
    settings.rate = 1.0 / 3;
    CHECK(session_set_settings(s, &settings) && !session_set_settings(s, &settings));
    CHECK(session_changed(s));
    CHECK_OK(session_save(s, &e));
    CHECK(!session_changed(s));
    session_free(s);
    cJSON *json = json_read_file(at("home/kept/session.json"), 10000, &e);
    CHECK_OK(json != NULL);
    CHECK_TEXT(json->child->string, "mood"); // still there, still first
    const cJSON *tree = cJSON_GetObjectItemCaseSensitive(json, "settings");
    CHECK(cJSON_GetObjectItemCaseSensitive(tree, "rats")->valuedouble == 5);
    CHECK(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "label_words")));
    CHECK_TEXT(cJSON_GetObjectItemCaseSensitive(json, "model")->valuestring, "shipped:other");
    CHECK_TEXT(cJSON_GetObjectItemCaseSensitive(json, "task")->valuestring, "task.json");
    CHECK_TEXT(cJSON_GetObjectItemCaseSensitive(json, "data")->valuestring, "data");
    cJSON_Delete(json);
    CHECK_OK(session_open(&s, "kept", NULL, &e));
    CHECK_TEXT(session_template(s), "{text_a} \"q\" é {mask}");
    CHECK(run_settings_equal(session_settings(s), &settings));
    CHECK(!session_set_template(s, "\xff", &e));
    CHECK_HAS(e.text, "not UTF-8");
    session_free(s);
}

TEST(a_long_stamp_is_cut_between_characters) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(put("home/old/session.json",
              "{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"created\": "
              "\"long ago, at a time of 29 byte é\"}"));
    CHECK_OK(session_open(&s, "old", NULL, &e));
    CHECK_OK(session_set_template(s, "{mask}", &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "old", NULL, &e)); // half a character would not read back
    CHECK_TEXT(s->parts.created, "long ago, at a time of 29 byte ");
    session_free(s);
}

TEST(wrong_session_files) {
    static const char *const cases[][2] = {
        {"", "session.json: line 1"},
        {"[]", "should be a JSON object, but is a list"},
        {"{}", "\"model\" is missing"}, // version 0
        {"{\"version\": \"1\"}", "\"version\" should be a number"},
        {"{\"version\": 2}", "newer Prompter"},
        {"{\"version\": 0.5}", "\"version\" is 0.5, but should be a whole number up to 1"},
        {"{\"version\": -1}", "\"version\" is -1, but should be"},
        {"{\"version\": null, \"model\": 1}", "\"model\" should be a string"},
        {"{\"version\": 1, \"changed\": 5}", "\"changed\" should be a string"},
        {"{\"version\": 1, \"created\": []}", "\"created\" should be a string"},
        {"{\"version\": 1, \"name\": {}}", "\"name\" should be a string"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"label_words\": "
         "{\"a\": \"x\", \"b\": [\"y\", 1]}}",
         "label_words.b[1] should be a string, but is a number"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"label_words\": "
         "[\"x\", {}]}",
         "label_words[1] should be a string or a list of strings, but is an object"},
        {"{\"version\": 1}", "\"model\" is missing"},
        {"{\"version\": 1, \"model\": 3}", "\"model\" should be a string"},
        {"{\"version\": 1, \"model\": \"\"}", "\"model\" is empty"},
        {"{\"version\": 1, \"model\": \"shipped:../x\"}", "leads out of the shipped models"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\"}", "\"task\" is missing"},
        {"{\"version\": 1, \"model\": \"shipped:none\", \"task\": \"shipped:films\"}",
         "\"model\": there is no folder"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:none\"}",
         "\"task\": there is no"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"data\": 1}",
         "\"data\" should be a string"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"template\": {}}",
         "\"template\" should be a string"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"label_words\": 1}",
         "\"label_words\" should be a string, an object or a list"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": []}",
         "\"settings\" should be an object"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": "
         "{\"rate\": \"0.1\"}}",
         "settings.rate should be a number (0 to 1000), but is a string"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": "
         "{\"rate\": -1}}",
         "rate is 0 to 1000, not \"-1\""},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": "
         "{\"batch\": 1.5}}",
         "batch is 1 to 4096"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": "
         "{\"dev_from_train\": 1}}",
         "settings.dev_from_train should be true or false"},
        {"{\"version\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", \"settings\": "
         "{\"loss\": null}}",
         "settings.loss should be a string"},
        {"{\"version\": 1, \"version\": 1}", "stands twice"},
    };
    CHECK(set_up());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(put("home/bad/session.json", cases[i][0]));
        const char *message = refusal("bad", NULL);
        CHECK_HAS(message, cases[i][1]);
        CHECK_HAS(message, "home/bad/session.json");
        CHECK(!file_exists(at("home/bad/session.lock"))); // what cannot be opened is not held
    }
}

TEST(an_older_version_is_brought_up_to_date_and_kept) {
    static const char old[] = "{\"mood\": 1, \"model\": \"shipped:sprout\", \"task\": \"shipped:films\", "
                              "\"settings\": {\"rate\": 0.25}}";
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(put("home/old/session.json", old));
    CHECK_OK(session_open(&s, "old", NULL, &e));
    CHECK_HAS(session_notes(s), "session.json is of version 0 (it names none)");
    CHECK_HAS(session_notes(s), "stays beside it as session.json.v0");
    CHECK(session_settings(s)->rate == 0.25);
    session_free(s);
    char *text = slurp(at("home/old/session.json")); // looking at it changes nothing
    CHECK_TEXT(text, old);
    free(text);
    CHECK(!file_exists(at("home/old/session.json.v0")));
    CHECK_OK(session_open(&s, "old", NULL, &e));
    CHECK_OK(session_set_template(s, "{mask}", &e));
    CHECK_OK(session_save(s, &e));
    CHECK_OK(session_set_template(s, "{mask}.", &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    text = slurp(at("home/old/session.json.v0"));
    CHECK_TEXT(text, old);
    free(text);
    CHECK(!file_exists(at("home/old/session.json.v0-2"))); // once
    text = slurp(at("home/old/session.json"));
    CHECK_HAS(text, "\"version\":\t1");
    CHECK_HAS(text, "\"mood\":\t1");
    free(text);
    CHECK_OK(session_open(&s, "old", NULL, &e));
    CHECK_TEXT(session_notes(s), "");
    session_free(s);
    // Again an old one, as out of a backup: what was kept before stays.
    CHECK(put("home/old/session.json", "{\"model\": \"shipped:other\", \"task\": \"shipped:films\"}"));
    CHECK(saved("old"));
    text = slurp(at("home/old/session.json.v0"));
    CHECK_TEXT(text, old);
    free(text);
    text = slurp(at("home/old/session.json.v0-2"));
    CHECK_HAS(text, "shipped:other");
    free(text);
}

TEST(a_session_with_all_of_its_files_can_be_moved) {
    struct error e = {0};
    struct session *s;
    struct prompt_matrix m = {vectors, 2, 3};
    CHECK(set_up());
    CHECK(put_task("home/own/task/task.json", "own") && put("home/own/data/x", "") &&
          put("home/own/starts/x", ""));
    CHECK_OK(prompt_file_write(at("home/own/starts/p.npy"), &m, NULL, &e));
    CHECK_OK(session_create(&s, "own", NULL, at("home/own/task"), at("home/own/data"), &e));
    struct run_settings settings = *session_settings(s);
    settings.start = START_FILE;
    CHECK_OK(run_settings_set(&settings, "start_file", at("home/own/starts/p.npy"), &e));
    CHECK(session_set_settings(s, &settings));
    CHECK_TEXT(session_settings(s)->start_file, "starts/p.npy");
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK(rename(at("home/own"), at("moved")) == 0);
    CHECK_OK(session_open(&s, at("moved"), NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK_TEXT(setup->task_path, at("moved/task/task.json"));
    CHECK_TEXT(setup->data_folder, at("moved/data"));
    CHECK(setup->start_count == 2 && setup->start_vectors[5] == 6);
    engine_setup_free(setup);
    session_free(s);
}

TEST(a_share_says_what_is_opened_when_nothing_is_named) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(put("share/tasks/default", "claims\r\nfilms\n") && put("share/models/default", "other"));
    CHECK_OK(session_open(&s, NULL, NULL, &e));
    CHECK_TEXT(session_name(s), "claims");
    CHECK_TEXT(s->parts.model, at("share/models/other"));
    session_free(s);
    CHECK(put("share/tasks/default", "gone")); // the first one then
    CHECK_OK(session_open(&s, NULL, NULL, &e));
    CHECK_TEXT(session_name(s), "claims");
    session_free(s);
    CHECK(folder_remove(at("share/models/other"), &e) && folder_remove(at("share/models/sprout"), &e));
    CHECK(!session_open(&s, NULL, NULL, &e));
    CHECK_HAS(e.text, "no model is shipped");
}

TEST(a_session_can_be_moved) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK(saved("films"));
    CHECK(rename(at("home/films"), at("moved")) == 0);
    CHECK(rename(at("share"), at("share2")) == 0);
    setenv("PROMPTER_SHARE", at("share2"), 1);
    CHECK_OK(session_open(&s, at("moved"), NULL, &e));
    CHECK_TEXT(session_name(s), "moved");
    CHECK_TEXT(s->parts.model, at("share2/models/sprout"));
    session_free(s);
}

// ---- one program at a time ----

TEST(a_second_program_is_told_who_has_it) {
    struct error e = {0};
    CHECK(set_up());
    CHECK(saved("films"));
    int ready[2], done[2];
    CHECK(pipe(ready) == 0 && pipe(done) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct session *s;
        char c = session_open(&s, "films", NULL, NULL) ? 'y' : 'n';
        bool told = write(ready[1], &c, 1) == 1 && read(done[0], &c, 1) == 1;
        _exit(told ? 0 : 1); // without closing: as if it were killed
    }
    char c = 0;
    CHECK(child > 0 && read(ready[0], &c, 1) == 1 && c == 'y');
    char who[64];
    snprintf(who, sizeof who, "process %ld on ", (long)child);
    const char *message = refusal("films", NULL);
    bool told = strstr(message, who) && strstr(message, "open in another prompter");
    CHECK(write(done[1], &c, 1) == 1);
    waitpid(child, NULL, 0);
    close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
    CHECK(told);
    struct session *s; // it is gone now, its file is not
    CHECK(file_exists(at("home/films/session.lock")));
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_HAS(session_notes(s), "did not close it");
    CHECK_HAS(refusal("films", NULL), "in this very program");
    session_free(s);
    CHECK(
        put("home/films/session.lock", "{\"pid\": 1, \"host\": \"elsewhere.example\", \"time\": \"2026\"}"));
    CHECK_HAS(refusal("films", NULL), "on another machine (elsewhere.example, 2026)");
    CHECK_HAS(refusal("films", NULL), "remove ");
    CHECK(put("home/films/session.lock", "rubbish"));
    CHECK_OK(session_open(&s, "films", NULL, &e));
    session_free(s);
}

// A child that has films open until `done` is closed.
static pid_t holder(int *done) {
    int ready[2], end[2];
    char c = 'n';
    if (pipe(ready) != 0 || pipe(end) != 0)
        return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct session *s;
        close(end[1]);
        c = session_open(&s, "films", NULL, NULL) ? 'y' : 'n';
        bool told = write(ready[1], &c, 1) == 1 && read(end[0], &c, 1) >= 0;
        _exit(told ? 0 : 1);
    }
    close(end[0]);
    close(ready[1]);
    bool ok = child > 0 && read(ready[0], &c, 1) == 1 && c == 'y';
    close(ready[0]);
    *done = end[1];
    return ok ? child : -1;
}

TEST(a_session_of_another_program_can_be_looked_at) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = {0};
    struct run_array array = {"prompt", 1, 2, (float[]){1, 2}};
    c.array = &array;
    c.arrays = 1;
    struct metric m = {.kind = METRIC_EVAL, .step = 0};
    session_keep_metric(s, &m);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    CHECK(!session_read_only(s));
    session_free(s);
    int done;
    pid_t child = holder(&done);
    CHECK(child > 0);
    CHECK_OK(session_open_reading(&s, "films", NULL, &e));
    CHECK_HAS(session_read_only(s), "is open in another prompter (process ");
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->history_count == 1);
    engine_setup_free(setup);
    // Nothing of it is written, whatever is asked.
    char *before = slurp(at("home/films/journal.jsonl"));
    CHECK(!session_save(s, &e));
    CHECK_HAS(e.text, "read-only: ");
    e = (struct error){0};
    CHECK(!session_begin_run(s, &e));
    CHECK_HAS(e.text, "read-only: ");
    session_keep_metric(s, &m);
    CHECK(session_keep_checkpoint(s, KEEP_STEP, &c, &e) && session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    struct evaluation test = {.examples = 1};
    session_keep_test(s, &test, 0);
    char *after = slurp(at("home/films/journal.jsonl"));
    bool same = before && after && strcmp(before, after) == 0;
    free(before);
    free(after);
    CHECK(same && !file_exists(at("home/films/kept")) &&
          !file_exists(at("home/films/prompts/step-1.safetensors")));
    // A copy is one's own, and has nothing that the other is just writing.
    put("home/films/prompts/last.safetensors.tmp.7830.0", "half");
    CHECK_OK(session_save_as(s, "mine", &e));
    CHECK(!session_read_only(s));
    CHECK(file_exists(at("home/mine/prompts")) &&
          !file_exists(at("home/mine/prompts/last.safetensors.tmp.7830.0")));
    m.step = 1;
    session_keep_metric(s, &m);
    CHECK_SIZE(journal_count(at("home/mine/journal.jsonl")), 2);
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 1);
    session_free(s);
    CHECK(file_exists(at("home/films/session.lock"))); // it is still the other's
    close(done);
    waitpid(child, NULL, 0);
}

// Takes the lock again and again. While it has it, the file must be its own alone.
static int racer(const char *folder, const char *file) {
    struct session_lock lock;
    int taken = 0;
    for (int i = 0; taken < 300; i++) {
        char text[32], got[32] = "";
        if (!session_lock_take(&lock, folder, 1, NULL, NULL)) {
            sched_yield();
            continue;
        }
        taken++;
        int n = snprintf(text, sizeof text, "%ld %d", (long)getpid(), i);
        int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0666);
        bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
        sched_yield();
        ok = ok && pread(fd, got, sizeof got - 1, 0) == n && strcmp(got, text) == 0;
        close(fd);
        if (!ok)
            return 2;
        session_lock_release(&lock);
    }
    return 0;
}

TEST(two_programs_never_have_it_at_once) {
    CHECK(set_up());
    CHECK(put("race/x", ""));
    pid_t child[3];
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        child[i] = fork();
        if (child[i] == 0)
            _exit(racer(at("race"), at("race/x")));
    }
    bool ok = true;
    for (int i = 0; i < 3; i++) {
        int status = 0;
        ok &= child[i] > 0 && waitpid(child[i], &status, 0) == child[i] && status == 0;
    }
    CHECK(ok);
}

TEST(two_new_ones_of_one_name) {
    struct error e = {0};
    struct session *a, *b;
    CHECK(set_up());
    CHECK_OK(session_open(&a, "films", NULL, &e));
    CHECK_OK(session_open(&b, "films", NULL, &e));
    CHECK_OK(session_save(a, &e));
    CHECK(!session_save(b, &e));
    session_free(a);
    CHECK(!session_save(b, &e));
    CHECK_HAS(e.text, "has been made meanwhile");
    CHECK_OK(session_save_as(b, "films b", &e));
    session_free(b);
}

// ---- copies and lists ----

TEST(save_as_copies_all_of_it) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_create(&s, "one", NULL, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(3);
    keep_steps(s, 0, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    CHECK_OK(session_set_template(s, "{text_a} {mask}", &e));
    CHECK_OK(session_save_as(s, "two", &e));
    CHECK_TEXT(session_name(s), "two");
    CHECK_TEXT(session_folder(s), at("home/two"));
    CHECK(!session_changed(s) && !file_exists(at("home/one/session.lock")));
    keep_steps(s, 4, 4);
    CHECK_SIZE(journal_count(at("home/one/journal.jsonl")), 4);
    CHECK_SIZE(journal_count(at("home/two/journal.jsonl")), 5);
    CHECK(!session_save_as(s, "one", &e));
    CHECK_HAS(e.text, "there is a session one already");
    CHECK(!session_save_as(s, "../x", &e));
    session_free(s);
    CHECK_OK(session_open(&s, "one", NULL, &e));
    CHECK_TEXT(session_template(s), "");
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->resume->step == 3);
    engine_setup_free(setup);
    session_free(s);
    CHECK_OK(session_open(&s, "two", NULL, &e));
    CHECK_TEXT(session_template(s), "{text_a} {mask}");
    session_free(s);
}

TEST(the_list_is_newest_first) {
    struct error e = {0};
    char **names;
    size_t count;
    CHECK(set_up());
    CHECK_OK(session_list(&names, &count, &e));
    CHECK_SIZE(count, 0);
    session_list_free(names, count);
    CHECK(saved("films") && saved("claims"));
    CHECK(put("home/not one/x", "") && put("home/.hidden/session.json", "{}"));
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}},
                    young[2] = {{.tv_sec = 2000}, {.tv_sec = 2000}};
    utimensat(AT_FDCWD, at("home/claims/session.json"), old, 0);
    utimensat(AT_FDCWD, at("home/films/session.json"), young, 0);
    CHECK_OK(session_list(&names, &count, &e));
    CHECK_SIZE(count, 2);
    CHECK_TEXT(names[0], "films");
    CHECK_TEXT(names[1], "claims");
    session_list_free(names, count);
    struct timespec now[2] = {{.tv_sec = 3000}, {.tv_sec = 3000}};
    CHECK(put("home/claims/journal.jsonl", ""));
    utimensat(AT_FDCWD, at("home/claims/journal.jsonl"), now, 0); // work counts as a change
    CHECK_OK(session_list(&names, &count, &e));
    CHECK_TEXT(names[0], "claims");
    session_list_free(names, count);
}
