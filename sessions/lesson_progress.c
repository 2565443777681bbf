// SPDX-License-Identifier: GPL-3.0-or-later
#include "lesson_progress.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"

enum { VERSION = 1, MOST_FILE = 4 << 20 };

void lesson_traces_free(struct lesson_trace *trace, size_t steps) {
    for (size_t i = 0; trace && i < steps; i++)
        free(trace[i].guess);
    free(trace);
}

// The whole file; an empty object where there is none.
static cJSON *read_file(const char *path, struct error *e) {
    size_t version = VERSION;
    cJSON *all = NULL;
    if (!file_exists(path)) {
        all = cJSON_CreateObject();
        if (!all)
            error_set(e, ERROR_MEMORY, "no memory for the progress of lessons");
        return all;
    }
    all = json_read_file(path, MOST_FILE, e);
    bool ok = all && cJSON_IsObject(all) && json_get_size(all, "version", false, 1, 1 << 20, &version, e) &&
              (version <= VERSION ||
               error_set(e, ERROR_INPUT, "it was written by a newer Prompter (version %zu)", version));
    if (ok)
        return all;
    if (all && !cJSON_IsObject(all))
        error_set(e, ERROR_INPUT, "it is no JSON object");
    cJSON_Delete(all);
    error_context(e, "the progress of lessons, %s", path);
    return NULL;
}

static cJSON *member(const cJSON *object, const char *name) {
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

static bool read_step(struct lesson_trace *t, const cJSON *kept, struct error *e) {
    const cJSON *done = member(kept, "done"), *guess = member(kept, "guess"), *score = NULL;
    const cJSON *examples = member(kept, "examples");
    t->done = cJSON_IsTrue(done);
    if (cJSON_IsString(guess) && !(t->guess = mem_strdup(guess->valuestring, e)))
        return false;
    cJSON_ArrayForEach(score, member(kept, "scores")) {
        if (cJSON_IsNumber(score) && score->valuedouble >= 0 && score->valuedouble <= 1 &&
            t->scores < LESSON_MOST_SCORES)
            t->score[t->scores++] = score->valuedouble;
    }
    if (cJSON_IsNumber(examples) && examples->valuedouble >= 1 && examples->valuedouble < 1e9)
        t->examples = (size_t)examples->valuedouble;
    if (!t->examples)
        t->scores = 0;
    return true;
}

// Where a step was named, it is counted from 1.
static void read_place(const cJSON *all, const struct lesson *l, size_t *step, bool *begun) {
    const cJSON *kept = member(member(all, "lessons"), l->name), *at = member(kept, "step");
    *begun = kept != NULL;
    if (cJSON_IsNumber(at) && at->valuedouble >= 1 && at->valuedouble <= (double)l->steps)
        *step = (size_t)at->valuedouble - 1;
}

bool lesson_progress_places(const char *path, const struct lesson *l, size_t count,
                            struct lesson_place *place, struct error *e) {
    cJSON *all = read_file(path, e);
    for (size_t i = 0; all && i < count; i++) {
        place[i] = (struct lesson_place){0};
        read_place(all, &l[i], &place[i].step, &place[i].begun);
    }
    cJSON_Delete(all);
    return all != NULL;
}

bool lesson_progress_read(const char *path, const struct lesson *l, struct lesson_trace *trace, size_t *step,
                          bool *begun, struct error *e) {
    cJSON *all = read_file(path, e);
    const cJSON *kept = member(member(all, "lessons"), l->name);
    bool ok = all != NULL;
    read_place(all, l, step, begun);
    for (size_t i = 0; ok && i < l->steps; i++) {
        const cJSON *one = member(member(kept, "steps"), l->step[i].title);
        ok = !one || read_step(&trace[i], one, e);
    }
    cJSON_Delete(all);
    return ok;
}

static bool put_step(cJSON *steps, const char *title, const struct lesson_trace *t, struct error *e) {
    if (!t->done && !t->guess && !t->scores)
        return true;
    cJSON *one = cJSON_CreateObject();
    if (!json_put(steps, title, one, e) || !json_put(one, "done", cJSON_CreateBool(t->done), e) ||
        (t->guess && !json_put(one, "guess", cJSON_CreateString(t->guess), e)))
        return false;
    return !t->scores || (json_put(one, "scores", cJSON_CreateDoubleArray(t->score, (int)t->scores), e) &&
                          json_put(one, "examples", cJSON_CreateNumber((double)t->examples), e));
}

// The member of an object by that name, made if there is none.
static cJSON *object_in(cJSON *object, const char *name, struct error *e) {
    cJSON *there = member(object, name);
    if (there && cJSON_IsObject(there))
        return there;
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    there = cJSON_CreateObject();
    return json_put(object, name, there, e) ? there : NULL;
}

bool lesson_progress_write(const char *path, const struct lesson *l, const struct lesson_trace *trace,
                           size_t step, struct error *e) {
    cJSON *all = read_file(path, e), *lessons, *kept, *steps;
    char *text = NULL, *folder = NULL;
    bool ok = all && (member(all, "version") || json_put(all, "version", cJSON_CreateNumber(VERSION), e)) &&
              (lessons = object_in(all, "lessons", e)) && (kept = object_in(lessons, l->name, e));
    if (ok) {
        cJSON_DeleteItemFromObjectCaseSensitive(kept, "step");
        cJSON_DeleteItemFromObjectCaseSensitive(kept, "steps");
        ok = json_put(kept, "step", cJSON_CreateNumber((double)step + 1), e) &&
             (steps = object_in(kept, "steps", e));
    }
    for (size_t i = 0; ok && i < l->steps; i++)
        ok = put_step(steps, l->step[i].title, &trace[i], e);
    ok = ok && (text = json_print(all, true, e)) && (folder = path_folder(path, e)) &&
         file_make_folders(folder, e) && file_write_atomic(path, text, strlen(text), e);
    cJSON_Delete(all);
    free(folder);
    free(text);
    return ok;
}
