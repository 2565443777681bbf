// SPDX-License-Identifier: GPL-3.0-or-later
// Methods: what choosing one sets on each family, which prompt it starts from, what a run is called, and the
// way of a choice through a session.
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/model_write.h"
#include "engine/pvp/as_choice.h"
#include "engine/workspace.h"
#include "sessions/method.h"
#include "sessions/prompt_file.h"
#include "sessions/session.h"

enum { WIDTH = 160, VECTORS = 7 };
static struct error e;
static char model[512];

static bool put_prompt(const char *name, float first) {
    struct prompt_matrix m = {mem_calloc(VECTORS * WIDTH, sizeof(float), NULL), VECTORS, WIDTH};
    char path[640];
    snprintf(path, sizeof path, "%s/prompts/%s.safetensors", model, name);
    if (m.value)
        m.value[0] = first;
    bool ok = m.value && prompt_file_write(path, &m, NULL, &e);
    prompt_matrix_free(&m);
    return ok;
}

// A model's folder that shares the files of the fixture, with a place for prompts.
static bool put_model(void) {
    static const char *const files[] = {"config.json", "model.safetensors", "spiece.model"};
    static unsigned n;
    char from[512], to[640];
    bool ok = true;
    snprintf(model, sizeof model, "%s/model-%u", check_folder(), n++);
    snprintf(to, sizeof to, "%s/prompts", model);
    ok = file_make_folders(to, &e);
    char *share = realpath("tests/share/models/sprout", NULL);
    for (size_t i = 0; ok && share && i < 3; i++) {
        snprintf(from, sizeof from, "%.400s/%s", share, files[i]);
        snprintf(to, sizeof to, "%s/%s", model, files[i]);
        ok = symlink(from, to) == 0;
    }
    ok = ok && share;
    free(share);
    return ok;
}

static struct task *task(const char *name) {
    char path[128];
    struct task *t = NULL;
    snprintf(path, sizeof path, "tests/share/tasks/%s", name);
    return task_load(&t, path, NULL, &e) ? t : NULL;
}

TEST(every_method_has_a_name_of_its_own_that_settings_take) {
    struct run_settings s;
    char value[RUN_SETTING_TEXT];
    run_settings_default(&s);
    CHECK(s.method == METHOD_CUSTOM && !method_info(METHOD_CUSTOM));
    for (size_t i = 0; i < method_count; i++) {
        const struct method *m = &method_table[i];
        CHECK(method_info(m->method) == m && method_find(m->name) == m);
        CHECK_OK(run_settings_set(&s, "method", m->name, &e));
        CHECK(s.method == m->method && run_settings_get(&s, "method", value, sizeof value));
        CHECK_TEXT(value, m->name);
    }
    CHECK(!method_find("pt") && !method_unknown("pptt", &e));
    CHECK_HAS(e.text, "\"pptt\" (did you mean \"ppt\"?); the methods are");
    CHECK_HAS(e.text, "unified-ppt");
}

TEST(what_runs_are_called_follows_from_template_and_start) {
    struct run_settings s;
    run_settings_default(&s);
    CHECK_TEXT(method_title("{soft:20} {text_a} {mask}", &s), "vanilla PT");
    CHECK_TEXT(method_title("{soft:20} {text_a}. {mask}!", &s), "vanilla PT");
    CHECK_TEXT(method_title("{soft:20} {text_a} It was {mask}.", &s), "hybrid PT");
    CHECK_TEXT(method_title("{soft:20} {text_a} 很 {mask}", &s), "hybrid PT");
    CHECK_TEXT(method_title("{text_a} It was {mask}.", &s), "no tuning");
    CHECK_TEXT(method_title("{text_a", &s), "unknown");
    s.start = START_FILE;
    CHECK_TEXT(method_title("{soft:20} {text_a} {mask}", &s), "PPT");
    CHECK_TEXT(method_title("{soft:20} {text_a} It was {mask}.", &s), "hybrid PPT");
    // The session's own prompts, by which a run is gone on from, were tuned and not pre-trained.
    snprintf(s.start_file, sizeof s.start_file, "kept/003/prompts/best.safetensors");
    CHECK_TEXT(method_title("{soft:20} {text_a} It was {mask}.", &s), "hybrid PT");
    s.method = METHOD_HYBRID_PPT;
    CHECK_TEXT(method_title("{soft:20} {text_a} It was {mask}.", &s), "hybrid PPT");
    s.method = METHOD_CUSTOM;
    s.start_file[0] = '\0';
    s.start = START_PRETRAINED;
    CHECK_TEXT(method_title("{soft:20} {text_a} {mask}", &s), "PPT");
    // What was chosen says no more than what is still there.
    s.method = METHOD_PPT;
    s.start = START_NORMAL;
    CHECK_TEXT(method_title("{soft:20} {text_a} {mask}", &s), "vanilla PT");
    s.method = METHOD_LM_ADAPTATION;
    CHECK_TEXT(method_title("{soft:20} {text_a} {mask}", &s), "LM adaptation");
    CHECK_TEXT(method_title("{soft:20} {text_a} It was {mask}.", &s), "hybrid PT");
    s.method = METHOD_UNIFIED_PPT;
    s.start = START_PRETRAINED;
    CHECK_TEXT(method_title("{soft:20} {text_a} {options}. Answer is {mask}.", &s), "unified PPT");
}

static bool chosen(const struct task *t, enum run_method m, const char *template, enum prompt_start start) {
    struct method_choice c;
    struct run_settings s;
    run_settings_default(&s);
    s.rate = 0.7;
    s.steps = 33;
    if (!method_choose(&c, m, model, t, &s, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return false;
    }
    bool ok = strcmp(c.template_text, template) == 0 && c.settings.start == start && c.settings.method == m &&
              c.settings.rate == method_info(m)->rate && c.settings.steps == 33;
    if (!ok)
        fprintf(stderr, "%s\n", c.template_text);
    free(c.template_text);
    return ok;
}

TEST(a_choice_sets_template_start_and_rate) {
    struct task *films = task("films"), *claims = task("claims"), *places = task("places");
    CHECK(films && claims && places && put_model());
    for (size_t i = 0; i < 4; i++)
        CHECK_OK(put_prompt((const char *const[]){"cls", "nsp", "nss", "unified"}[i], (float)i));
    CHECK(chosen(films, METHOD_VANILLA, "{soft:20} {text_a} {mask}", START_NORMAL));
    CHECK(chosen(films, METHOD_HYBRID, "{soft:20} {text_a} It was {mask}.", START_NORMAL));
    CHECK(chosen(films, METHOD_FINE_TUNING, "{text_a} It was {mask}.", START_NORMAL));
    // As many vectors as the prompt has.
    CHECK(chosen(films, METHOD_PPT, "{soft:7} {text_a} {mask}", START_PRETRAINED));
    CHECK(chosen(films, METHOD_HYBRID_PPT, "{soft:7} {text_a} It was {mask}.", START_PRETRAINED));
    CHECK(chosen(films, METHOD_UNIFIED_PPT, "{soft:7} {text_a} {options}. Answer is {mask}.",
                 START_PRETRAINED));
    CHECK(chosen(claims, METHOD_UNIFIED_PPT, "{soft:7} {text_a} {text_b} {options}. Answer is {mask}.",
                 START_PRETRAINED));
    CHECK(chosen(claims, METHOD_PPT, "{soft:7} {text_a} {mask}. {text_b}", START_PRETRAINED));
    task_free(films);
    task_free(claims);
    task_free(places);
}

// As one that is made in the workbench, which suggests a single template.
TEST(words_of_one_template_serve_the_methods_it_is_not_for) {
    static const char json[] =
        "{\"name\": \"moods\", \"family\": \"single-sentence\", \"files\": {}, \"fields\": {\"text\": "
        "\"text\"}, \"label\": \"label\", \"classes\": [\"sad\", \"happy\"], \"templates\": [\"%s\"]}";
    static const char *const suggested[] = {"{soft:20} {text} It was {mask}.", "{text} It was {mask}.",
                                            "{text} {mask}"};
    struct task *t[3];
    char path[600], text[400];
    CHECK(put_model());
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/moods-%zu.json", check_folder(), i);
        snprintf(text, sizeof text, json, suggested[i]);
        CHECK_OK(file_write_atomic(path, text, strlen(text), &e) && task_load(&t[i], path, NULL, &e));
    }
    CHECK(chosen(t[0], METHOD_FINE_TUNING, "{text} It was {mask}.", START_NORMAL));
    CHECK(chosen(t[0], METHOD_HYBRID, "{soft:20} {text} It was {mask}.", START_NORMAL));
    CHECK(chosen(t[1], METHOD_HYBRID, "{soft:20} {text} It was {mask}.", START_NORMAL));
    CHECK(!method_template(t[2], PATTERN_HARD, 0, &e));
    CHECK_HAS(e.text, "suggests no template with words");
    for (size_t i = 0; i < 3; i++)
        task_free(t[i]);
}

TEST(lm_adaptation_is_a_choice_of_model) {
    struct task *films = task("films");
    char adapted[640];
    CHECK(films && put_model());
    CHECK(!chosen(films, METHOD_LM_ADAPTATION, "{soft:20} {text_a} {mask}", START_NORMAL));
    CHECK_HAS(e.text, "prompter lm --model ");
    CHECK_OK(method_fits_model(METHOD_VANILLA, model, &e));
    CHECK_OK(method_fits_model(METHOD_LM_ADAPTATION, "/models/t5-small-lm-adapt", &e));
    snprintf(adapted, sizeof adapted, "%s-lm", model);
    CHECK_OK(file_make_folders(adapted, &e));
    e = (struct error){0};
    CHECK(!method_fits_model(METHOD_LM_ADAPTATION, model, &e));
    CHECK_HAS(e.text, "-lm was: prompter new");
    // What training as a prefix LM writes says so, what other training of a model writes does not.
    snprintf(adapted, sizeof adapted, "%s/prompts", model);
    CHECK_OK(model_copy_config(model, adapted, DTYPE_F32, false, &e));
    CHECK(!method_fits_model(METHOD_LM_ADAPTATION, adapted, &e));
    CHECK_OK(model_copy_config(model, adapted, DTYPE_F32, true, &e));
    snprintf(model, sizeof model, "%.500s", adapted);
    CHECK(chosen(films, METHOD_LM_ADAPTATION, "{soft:20} {text_a} {mask}", START_NORMAL));
    task_free(films);
}

static bool path_is(const char *name, uint64_t seed, const char *end) {
    char *path = method_prompt_path(model, name, seed, &e);
    bool ok = path && strlen(path) > strlen(end) && strcmp(path + strlen(path) - strlen(end), end) == 0;
    free(path);
    return ok;
}

TEST(a_prompt_goes_by_the_family_and_the_seed) {
    struct task *films = task("films");
    struct method_choice c;
    struct run_settings s;
    run_settings_default(&s);
    CHECK(films && put_model());
    CHECK(!method_choose(&c, METHOD_PPT, model, films, &s, &e));
    CHECK_HAS(e.text, "PPT: ");
    CHECK_HAS(e.text, "prompts/cls.safetensors");
    CHECK_HAS(e.text, "prompter pretrain --task cls --model ");
    CHECK_OK(put_prompt("cls", 1));
    CHECK(path_is("cls", 1, "/prompts/cls.safetensors") && path_is("cls", 9, "/prompts/cls.safetensors"));
    CHECK_OK(put_prompt("cls-2", 2) && put_prompt("cls-4", 4)); // 4 without 3 is not reached
    CHECK(path_is("cls", 0, "/prompts/cls.safetensors") && path_is("cls", 2, "/prompts/cls-2.safetensors"));
    CHECK(path_is("cls", 3, "/prompts/cls.safetensors") && path_is("cls", 4, "/prompts/cls-2.safetensors"));
    e = (struct error){0};
    CHECK(!method_choose(&c, METHOD_UNIFIED_PPT, model, films, &s, &e));
    CHECK_HAS(e.text, "--task unified");
    CHECK_TEXT(method_prompt_name(TASK_SENTENCE_PAIR, false), "nsp");
    CHECK_TEXT(method_prompt_name(TASK_MULTIPLE_CHOICE, false), "nss");
    CHECK_TEXT(method_prompt_name(TASK_MULTIPLE_CHOICE, true), "unified");
    task_free(films);
}

TEST(a_session_takes_a_method_as_one_edit_and_opens_with_its_prompt) {
    struct session *s;
    char home[640];
    check_use_share();
    CHECK(put_model());
    snprintf(home, sizeof home, "%s/home", model);
    setenv("PROMPTER_SESSIONS", home, 1);
    CHECK_OK(put_prompt("cls", 0.5F) && put_prompt("cls-2", 0.25F));
    CHECK_OK(session_create(&s, "a", model, "films", NULL, &e) && session_save(s, &e));
    CHECK_OK(session_choose_method(s, METHOD_PPT, &e) && session_save(s, &e));
    CHECK_TEXT(session_template(s), "{soft:7} {text_a} {mask}");
    const struct history_edit *edit = session_undo_edit(s);
    CHECK(edit && edit->count == 3 &&
          !session_undo_edit(s)); // template, method, start; the rate was the same
    session_redo_edit(s);
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && setup->start_count == VECTORS && setup->start_vectors[0] == 0.5F);
    engine_setup_free(setup);
    struct run_settings other = *session_settings(s);
    other.seed = 2;
    session_set_settings(s, &other);
    setup = session_setup(s, false, &e);
    CHECK(setup && setup->start_vectors[0] == 0.25F);
    engine_setup_free(setup);
    session_free(s);
    // As the beginning of a new session: with a rate of its own, which counts.
    run_settings_default(&other);
    other.method = METHOD_PPT;
    other.rate = 0.01;
    CHECK_OK(session_create(&s, "b", model, "films", NULL, &e) && session_begin_with(s, &other, &e));
    CHECK_TEXT(session_template(s), "{soft:7} {text_a} {mask}");
    CHECK(session_settings(s)->rate == 0.01 && session_settings(s)->start == START_PRETRAINED);
    session_free(s);
    // A model without: noted, and no method.
    CHECK_OK(session_create(&s, "c", "sprout", "films", NULL, &e) && session_begin_with(s, &other, &e));
    CHECK_HAS(session_notes(s), "pre-trained prompt");
    CHECK(session_settings(s)->method == METHOD_CUSTOM && session_settings(s)->start == START_NORMAL);
    session_free(s);
}

TEST(the_unified_method_opens_the_task_as_multiple_choice) {
    struct engine_setup *setup = mem_calloc(1, sizeof *setup, &e);
    struct workspace *w;
    struct model *m;
    CHECK_OK(setup && model_load(&m, "tests/share/models/sprout", &e));
    setup->model_folder = mem_strdup("tests/share/models/sprout", &e);
    setup->task_path = mem_strdup("tests/share/tasks/films", &e);
    setup->template_text = mem_strdup("{soft:3} {text_a} {options}. Answer is {mask}.", &e);
    setup->own_examples = mem_strdup("{\"text\":\"It was fun.\",\"label\":\"1\"}", &e);
    run_settings_default(&setup->settings);
    setup->settings.method = METHOD_UNIFIED_PPT;
    setup->settings.own = RUN_OWN_ADDED;
    CHECK_OK(workspace_make(&w, m, setup, &e));
    CHECK(w->task != w->original && w->task->family == TASK_MULTIPLE_CHOICE &&
          w->original->family == TASK_SINGLE_SENTENCE);
    CHECK_TEXT(w->verbalizer.label[1].word[0].text, "B");
    CHECK_TEXT(w->split->train[0]->option[0], "bad");
    CHECK(w->task->own.count == 1 && w->task->own.example[0].options == 2);
    CHECK_SIZE(w->task->templates, w->original->templates);
    workspace_release(w);
    model_free(m);
}
