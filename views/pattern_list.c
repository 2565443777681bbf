// SPDX-License-Identifier: GPL-3.0-or-later
// Lists to choose from on the Pattern screen: patterns of the gallery or of a file, previewed on the present
// example, and label words found in the training examples. A list stands in the place of the editors until it
// is left.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"
#include "pattern_inside.h"

#define PATTERN_KEYS "Enter takes it · Esc leaves"
#define WORD_KEYS    "Enter takes · a adds · A takes all · Left Right class"

// ---- opening and leaving ----

const char *pattern_template(const struct pattern_view *v) {
    if (v->list == LIST_PATTERNS && v->selected < v->choices.count)
        return v->choices.entry[v->selected].text;
    return editor_text(v->template_editor);
}

void pattern_close_list(struct pattern_view *v) {
    v->preview += v->list == LIST_PATTERNS;
    v->list = LIST_NONE;
    pattern_list_free(&v->choices);
    v->selected = 0;
}

static void open_patterns(struct pattern_view *v, const char *title) {
    v->list = LIST_PATTERNS;
    v->editing = false;
    v->selected = 0;
    v->preview++;
    snprintf(v->choices_title, sizeof v->choices_title, "%s", title);
}

// Only what can be read with this task's fields is worth choosing.
static bool usable(const char *text, const struct workspace *ws) {
    struct template t = {0};
    struct pattern p = {0};
    bool ok = template_parse(&t, text, (const char *const *)ws->task->field, ws->task->fields, NULL, NULL) &&
              pattern_bind(&p, &t, ws->task, ws->tokenizer, NULL);
    pattern_free(&p);
    template_free(&t);
    return ok;
}

static void keep_usable(struct pattern_list *l, const struct workspace *ws) {
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (usable(l->entry[i].text, ws)) {
            l->entry[kept++] = l->entry[i];
        } else {
            free(l->entry[i].text);
            free(l->entry[i].note);
        }
    }
    l->count = kept;
}

void pattern_open_gallery(struct pattern_view *v, struct workbench *w, double now) {
    const struct workspace *ws = workbench_workspace(w);
    struct error e = {0};
    struct pattern_list l = {0};
    if (!ws) {
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
        return;
    }
    bool ok = gallery_read(&l, ws->task->family, &e);
    for (size_t i = 0; ok && i < ws->task->templates; i++)
        ok = pattern_list_add(&l, ws->task->template_text[i], strlen(ws->task->template_text[i]),
                              "suggested by the task", &e);
    keep_usable(&l, ws);
    if (!ok || !l.count) {
        pattern_list_free(&l);
        workbench_say(w, ok ? STYLE_PLAIN : STYLE_BAD, now, "%s",
                      ok ? "there are no patterns for this task's fields" : e.text);
        return;
    }
    pattern_close_list(v);
    v->choices = l;
    open_patterns(v, "gallery of patterns");
}

void pattern_ask_words(struct pattern_view *v, struct workbench *w, double now) {
    struct error e = {0};
    if (!workbench_workspace(w) || !v->pattern_good) {
        workbench_say(w, STYLE_WARN, now, "%s",
                      workbench_workspace(w) ? "mend the template first, then words can be searched for"
                                             : "nothing is open yet");
        return;
    }
    const struct word_search_ask ask = {.template_text = (char *)pattern_template(v),
                                        .label_words =
                                            v->words_good ? (char *)editor_text(v->words_editor) : NULL,
                                        .settings = *workbench_settings(w)};
    struct word_search *s = word_search_make(&ask, &e);
    pattern_close_list(v);
    v->list = LIST_WORDS;
    v->editing = false;
    v->word_class = 0;
    v->search_error = e;
    if (v->search)
        study_free(&v->search->study);
    v->search = NULL;
    if (s)
        workbench_study(w, &view_pattern, CHANNEL_WORDS, &s->study, now);
}

void pattern_take_search(struct pattern_view *v, struct study *take) {
    if (v->search)
        study_free(&v->search->study);
    v->search = NULL;
    v->search_error = take->error;
    if (take->error.kind == ERROR_NONE)
        v->search = (struct word_search *)take;
    else
        study_free(take);
    v->selected = v->word_class = 0;
}

// ---- files ----

// ":import FILE [NUMBER]"
void pattern_import(struct pattern_view *v, struct workbench *w, const char *argument, double now) {
    char path[1024];
    struct pattern_list l = {0};
    struct error e = {0};
    size_t number = 0;
    bool words = false;
    const char *space = strrchr(argument, ' ');
    char *end = NULL;
    if (space && space[1] && (number = strtoul(space + 1, &end, 10)) > 0 && *end == 0)
        snprintf(path, sizeof path, "%.*s", (int)(space - argument), argument);
    else
        snprintf(path, sizeof path, "%s", argument), number = 0;
    if (!pattern_file_read(&l, path, &words, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    } else if (number > l.count) {
        workbench_say(w, STYLE_BAD, now, "%s holds %zu, not %zu", path, l.count, number);
    } else if (l.count > 1 && number == 0 && words) {
        workbench_say(w, STYLE_WARN, now, "%s holds %zu sets of label words; :import FILE NUMBER takes one",
                      path, l.count);
    } else if (l.count > 1 && number == 0) {
        workbench_request(w, REQUEST_SCREEN_PATTERN, NULL, now);
        pattern_close_list(v);
        v->choices = l;
        open_patterns(v, path_name(path));
        return;
    } else {
        workbench_request(w, words ? REQUEST_WORDS : REQUEST_TEMPLATE, l.entry[number ? number - 1 : 0].text,
                          now);
    }
    pattern_list_free(&l);
}

// ":export template FILE" and ":export words FILE"; false for what is not a pattern's.
bool pattern_export(struct pattern_view *v, struct workbench *w, const char *argument, double now) {
    static const char template[] = "template ", words[] = "words ";
    bool is_template = argument && strncmp(argument, template, sizeof template - 1) == 0;
    bool is_words = argument && strncmp(argument, words, sizeof words - 1) == 0;
    struct error e = {0};
    if (!is_template && !is_words)
        return false;
    const char *path = argument + (is_template ? sizeof template - 1 : sizeof words - 1);
    path += strspn(path, " ");
    bool ok = is_template
                  ? v->template_good ||
                        error_set(&e, ERROR_INPUT, "mend the template first: %s", v->template_error.text)
                  : v->words_good ||
                        error_set(&e, ERROR_INPUT, "mend the label words first: %s", v->words_error.text);
    ok = ok &&
         (is_template ? template_file_write(path, &v->template, &e) : words_file_write(path, &v->words, &e));
    workbench_say(w, ok ? STYLE_GOOD : STYLE_BAD, now, ok ? "the %s in %s" : "%s%.0s",
                  ok ? is_template ? "template is" : "label words are" : e.text, path);
    return true;
}

// ---- taking ----

static void take_pattern(struct pattern_view *v, struct workbench *w, double now) {
    char *text = mem_strdup(pattern_template(v), NULL);
    pattern_close_list(v);
    if (text)
        workbench_request(w, REQUEST_TEMPLATE, text, now);
    free(text);
}

// Label words with one class's replaced, or another word added to it.
static void take_word(struct pattern_view *v, struct workbench *w, bool add, double now) {
    const struct word_search *s = v->search;
    struct buffer b = {0};
    if (!s || v->word_class >= s->classes || v->selected >= s->list[v->word_class].count)
        return;
    const char *word = s->list[v->word_class].word[v->selected].text;
    for (size_t c = 0; c < s->classes; c++) {
        struct verbalizer one = {.label = v->words_good ? &v->words.label[c] : NULL, .classes = 1};
        char *now_has = v->words_good ? verbalizer_print(&one, VERBALIZER_LINES, NULL) : NULL;
        const char *best = s->list[c].count ? s->list[c].word[0].text : "";
        const char *keeps = now_has ? now_has : best;
        if (c == v->word_class)
            buffer_printf(&b, "%s%s%s%s", c ? "; " : "", add ? keeps : "", add ? ", " : "", word);
        else
            buffer_printf(&b, "%s%s", c ? "; " : "", keeps);
        free(now_has);
    }
    char *text = buffer_take(&b, NULL);
    if (text)
        pattern_set_words(v, w, text, now);
    free(text);
}

// ---- keys ----

static size_t rows_of(const struct pattern_view *v) {
    if (v->list == LIST_PATTERNS)
        return v->choices.count;
    return v->search && v->word_class < v->search->classes ? v->search->list[v->word_class].count : 0;
}

static void move(struct pattern_view *v, long by) {
    long to = (long)v->selected + by, last = (long)rows_of(v) - 1;
    to = to > last ? last : to;
    to = to < 0 ? 0 : to;
    v->preview += v->list == LIST_PATTERNS && (size_t)to != v->selected;
    v->selected = (size_t)to;
}

static void turn_class(struct pattern_view *v, bool next) {
    size_t classes = v->search ? v->search->classes : 0;
    if (v->list != LIST_WORDS || !classes)
        return;
    v->word_class = (v->word_class + (next ? 1 : classes - 1)) % classes;
    v->selected = 0;
}

bool pattern_list_key(struct pattern_view *v, struct workbench *w, struct key k, double now) {
    const long page = 6;
    uint32_t c = k.code == KEY_CODE_CHARACTER && !k.control && !k.alt ? k.character : 0;
    if (k.code == KEY_CODE_ESCAPE || c == 'q')
        pattern_close_list(v);
    else if (k.code == KEY_CODE_UP || c == 'k')
        move(v, -1);
    else if (k.code == KEY_CODE_DOWN || c == 'j')
        move(v, 1);
    else if (k.code == KEY_CODE_PAGE_UP || k.code == KEY_CODE_PAGE_DOWN)
        move(v, k.code == KEY_CODE_PAGE_UP ? -page : page);
    else if (k.code == KEY_CODE_HOME || c == 'g')
        move(v, -(long)v->selected);
    else if (k.code == KEY_CODE_END || c == 'G')
        move(v, (long)rows_of(v));
    else if (k.code == KEY_CODE_LEFT || k.code == KEY_CODE_RIGHT || k.code == KEY_CODE_TAB)
        turn_class(v, k.code != KEY_CODE_LEFT);
    else if (k.code == KEY_CODE_ENTER && v->list == LIST_PATTERNS)
        take_pattern(v, w, now);
    else if (v->list == LIST_WORDS && (k.code == KEY_CODE_ENTER || c == 'a'))
        take_word(v, w, c == 'a', now);
    else if (v->list == LIST_WORDS && c == 'A' && v->search && v->search->together)
        pattern_set_words(v, w, v->search->together, now);
    else
        return false;
    return true;
}

// ---- drawing ----

static bool count_row(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    ++*(int *)context;
    return true;
}

// One row each, and below where the selected one comes from.
static void draw_patterns(struct pattern_view *v, struct grid *g, struct area a) {
    const char *note = v->choices.entry[v->selected].note;
    int below = 0;
    text_wrap(note, strlen(note), a.columns > 2 ? a.columns - 2 : 1, count_row, &below);
    below = below && a.rows > below + 2 ? below + 1 : 0;
    size_t shown = a.rows > below ? (size_t)(a.rows - below) : 0;
    size_t top = part_scroll(v->choices.count, v->selected, shown);
    for (size_t i = 0; i < shown && top + i < v->choices.count; i++) {
        bool here = top + i == v->selected;
        grid_put(g, a, (int)i, 0, STYLE_FOCUS, here ? part_symbol(g, SYMBOL_POINTER) : " ");
        grid_put_cut(g, a, (int)i, 2, a.columns - 2, here ? STYLE_SELECTED : STYLE_PLAIN,
                     v->choices.entry[top + i].text);
    }
    if (below)
        grid_put_wrapped(g, area_columns(area_rows(a, a.rows - below + 1, below - 1), 2, a.columns - 2), 0,
                         STYLE_DIM, note);
}

static void rank_text(size_t rank, double value, char out[32]) {
    if (rank)
        snprintf(out, 32, "%.2f (%zu)", value, rank);
    else
        snprintf(out, 32, "%.2f", value);
}

static void draw_candidate(const struct word_search *s, const struct word_candidate *w, struct grid *g,
                           struct area a, int row, bool here) {
    char text[PART_SHORT], number[32];
    double share = s->dev ? (double)w->correct / (double)s->dev : 0;
    grid_put(g, a, row, 0, here ? STYLE_FOCUS : STYLE_DIM, here ? part_symbol(g, SYMBOL_POINTER) : " ");
    grid_put_cut(g, a, row, 2, 16, here ? STYLE_SELECTED : STYLE_STRONG, w->text);
    part_score(text, share, s->dev);
    grid_put(g, a, row, 19, STYLE_PLAIN, text);
    grid_printf(g, a, row, 35, STYLE_DIM, "%.3g", w->loss);
    rank_text(w->by_ratio, w->ratio, number);
    grid_put(g, a, row, 43, w->by_ratio ? STYLE_PLAIN : STYLE_DIM, number);
    rank_text(w->by_top, w->top, number);
    grid_put(g, a, row, 57, w->by_top ? STYLE_PLAIN : STYLE_DIM, number);
}

static void draw_search(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct word_search *s = v->search;
    size_t done = 0, total = 0;
    if (!s && workbench_studying(w, &view_pattern, CHANNEL_WORDS, &done, &total)) {
        grid_put_wrapped(
            g, a, 0, STYLE_PLAIN,
            "Looking for words that tell the classes of the training examples apart, and trying them on "
            "dev. Ctrl-C stops.");
        grid_bar(g, a, 3, 0, a.columns < 40 ? a.columns : 40, STYLE_ACCENT,
                 total ? (double)done / (double)total : 0);
        grid_printf(g, a, 4, 0, STYLE_DIM, "%zu of %zu", done, total);
        return;
    }
    if (!s) {
        grid_put_wrapped(g, a, 0, v->search_error.kind == ERROR_CANCELLED ? STYLE_DIM : STYLE_WARN,
                         v->search_error.text[0] ? v->search_error.text : "no words were searched for");
        return;
    }
    int head = 1;
    grid_put(g, a, 0, 2, STYLE_DIM, "word");
    grid_put(g, a, 0, 19, STYLE_DIM, "dev with it");
    grid_put(g, a, 0, 35, STYLE_DIM, "loss");
    grid_put(g, a, 0, 43, STYLE_DIM, "ratio (rank)");
    grid_put(g, a, 0, 57, STYLE_DIM, "ln p (rank)");
    if (a.rows > 10) {
        static const char legend[] =
            "ratio: log-odds of the word in this class, less elsewhere (PETAL). ln p: its mean "
            "log probability in this class (LM-BFF).";
        int rows = 0;
        text_wrap(legend, strlen(legend), a.columns, count_row, &rows);
        grid_put_wrapped(g, area_rows(a, a.rows - rows, rows), 0, STYLE_DIM, legend);
        a = area_rows(a, 0, a.rows - rows);
    }
    if (s->together && a.rows > 4) {
        char score[PART_SHORT], text[400];
        part_score(score, s->dev ? (double)s->together_correct / (double)s->dev : 0, s->dev);
        snprintf(text, sizeof text, "all, dev %s: %.300s", score, s->together);
        grid_put_cut(g, a, a.rows - 1, 0, a.columns, STYLE_ACCENT, text);
        a = area_rows(a, 0, a.rows - 1);
    }
    const struct word_list *l = &s->list[v->word_class];
    size_t shown = a.rows > head ? (size_t)(a.rows - head) : 0,
           top = part_scroll(l->count, v->selected, shown);
    for (size_t i = 0; i < shown && top + i < l->count; i++)
        draw_candidate(s, &l->word[top + i], g, a, head + (int)i, top + i == v->selected);
    if (!l->count)
        grid_put_cut(g, a, head, 2, a.columns - 2, STYLE_DIM,
                     "no training example of this class, so no word");
}

void pattern_draw_list(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    char title[200];
    bool words = v->list == LIST_WORDS;
    const char *name = words && v->search && ws && v->word_class < ws->task->classes
                           ? ws->task->class_name[v->word_class]
                           : NULL;
    if (name)
        snprintf(title, sizeof title, "words for %.80s, class %zu of %zu", name, v->word_class + 1,
                 v->search->classes);
    else if (words)
        snprintf(title, sizeof title, "words for the classes");
    else
        snprintf(title, sizeof title, "%.120s, %zu of %zu", v->choices_title, v->selected + 1,
                 v->choices.count);
    struct area inside = grid_frame(g, a, true, title, words ? WORD_KEYS : PATTERN_KEYS);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    if (words)
        draw_search(v, w, g, body);
    else
        draw_patterns(v, g, body);
}
