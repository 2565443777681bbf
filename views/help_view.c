// SPDX-License-Identifier: GPL-3.0-or-later
// Help: what the screen behind it is for, how to begin, its keys and the ":" commands, all out of the request
// table; or one command alone (":help NAME").
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "sessions/method.h"
#include "tui/keymap.h"
#include "views/views.h"

#include "parts.h"

struct help_view {
    enum request one; // REQUEST_NONE: the screen's help
    size_t top;
    size_t last, page; // where scrolling ends, and a page: of the last drawing
    int columns;       // then
    char text[96];     // what was searched for; "" nothing
    size_t hit;        // the line that has it, or NOT_FOUND
};
#define NOT_FOUND SIZE_MAX

static bool create(void **state, struct error *e) {
    struct help_view *h = mem_calloc(1, sizeof *h, e);
    *state = h;
    if (h)
        h->hit = NOT_FOUND;
    return h != NULL;
}

// The lines with a text: the first one, the one after a line, and those at the ends to go on from there.
struct finding {
    const char *text;
    size_t from; // NOT_FOUND: the first one counts as after it
    size_t after, before, first, last;
};

// Lines go down the area from `top` on; drawing without rows only counts them.
struct page {
    struct grid *g;
    struct area a;
    size_t line, top;
    struct finding *find; // NULL: nothing is searched for
};

static void look(const struct page *p, size_t line, const char *text, size_t length) {
    struct finding *f = p->find;
    char copy[512];
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy - 1), text);
    if (!f || !strcasestr(copy, f->text))
        return;
    if (f->first == NOT_FOUND || line < f->first)
        f->first = line;
    if (f->last == NOT_FOUND || line > f->last)
        f->last = line;
    if ((f->from == NOT_FOUND || line > f->from) && (f->after == NOT_FOUND || line < f->after))
        f->after = line;
    if (f->from != NOT_FOUND && line < f->from && (f->before == NOT_FOUND || line > f->before))
        f->before = line;
}

static bool visible(const struct page *p) {
    return p->line >= p->top && p->line - p->top < (size_t)(p->a.rows > 0 ? p->a.rows : 0);
}

struct wrapping {
    struct page *p;
    int column;
    enum style style;
};

static bool wrapped_line(void *context, const char *text, size_t length) {
    struct wrapping *x = context;
    look(x->p, x->p->line, text, length);
    if (visible(x->p))
        grid_put_bytes(x->p->g, x->p->a, (int)(x->p->line - x->p->top), x->column, x->style, text, length);
    x->p->line++;
    return true;
}

static void put_text(struct page *p, int column, enum style style, const char *text) {
    struct wrapping x = {p, column, style};
    int width = p->a.columns - column - 1;
    if (*text)
        text_wrap(text, strlen(text), width > 1 ? width : 1, wrapped_line, &x);
    else
        p->line++;
}

static void put_heading(struct page *p, const char *text) {
    p->line++;
    look(p, p->line, text, strlen(text));
    if (visible(p))
        grid_put_cut(p->g, p->a, (int)(p->line - p->top), 1, p->a.columns - 2, STYLE_TITLE, text);
    p->line++;
}

// ---- lists of requests ----

struct entry {
    enum request request;
    unsigned rank; // the least comes first
    const char *name, *text;
    char keys[KEYMAP_KEYS], typed[48];
};

// Requests with a key on just this screen, on every screen, or those that are only typed.
enum list { LIST_HERE, LIST_EVERYWHERE, LIST_TYPED };

// own: the screen gives the request a meaning of its own.
static bool listed(enum request r, const char *keys, enum list list, bool own) {
    const struct request_info *info = request_info(r);
    bool keyed = keys[0] != 0;
    if ((r == REQUEST_LEFT || r == REQUEST_RIGHT) && !own) // keys of editors and lists
        return false;
    switch (list) {
    case LIST_HERE:
        return keyed && info->where != WHERE_ALL;
    case LIST_EVERYWHERE:
        return keyed && info->where == WHERE_ALL;
    default:
        return info->argument[0] != 0;
    }
}

// What the hints of the screen name comes first, in their order; then what few other screens have.
static unsigned rank(enum request r, unsigned where, const enum request *hints) {
    enum { MOST_HINTS = 64, ELSEWHERE = 16 };
    unsigned screens = 0;
    for (unsigned i = 0; hints && hints[i] != REQUEST_NONE && i < MOST_HINTS; i++)
        if (hints[i] == r)
            return i;
    for (unsigned bits = request_info(r)->where; bits; bits &= bits - 1)
        screens++;
    return MOST_HINTS + (request_info(r)->where & where ? screens : ELSEWHERE);
}

static int compare_entries(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->request > y->request) - (x->request < y->request);
}

static size_t collect(const struct workbench *w, struct entry out[REQUEST_COUNT], enum list list,
                      unsigned where, const enum request *hints) {
    size_t n = 0;
    for (int i = REQUEST_NONE + 1; i < REQUEST_COUNT; i++) {
        const enum request r = (enum request)i;
        const struct request_info *info = request_info(r);
        const char *means = workbench_behind_means(w, r);
        keymap_keys(r, where, out[n].keys);
        const char *text = means ? means : request_help(r, where);
        if (!text[0] || !listed(r, out[n].keys, list, text != info->help))
            continue;
        out[n].request = r;
        out[n].rank = rank(r, where, hints);
        out[n].name = info->name;
        out[n].text = text;
        snprintf(out[n].typed, sizeof out[n].typed, ":%s %s", info->name, info->argument);
        n++;
    }
    qsort(out, n, sizeof *out, compare_entries);
    return n;
}

// One entry in `columns` columns from `column` on; its text wraps.
static void put_entry(struct page *p, int column, int columns, enum list list, const struct entry *e) {
    const int left = 14, middle = list == LIST_TYPED ? 24 - left : 15;
    struct page narrow = *p;
    look(p, p->line, list == LIST_TYPED ? e->typed : e->name,
         strlen(list == LIST_TYPED ? e->typed : e->name));
    if (visible(p)) {
        int row = (int)(p->line - p->top);
        if (list == LIST_TYPED) {
            grid_put_cut(p->g, p->a, row, column, left + middle - 1, STYLE_KEY, e->typed);
        } else {
            grid_put_cut(p->g, p->a, row, column, left - 1, STYLE_KEY, e->keys);
            grid_put_cut(p->g, p->a, row, column + left, middle - 1, STYLE_DIM, e->name);
        }
    }
    narrow.a.columns = column + columns;
    put_text(&narrow, column + left + middle, STYLE_PLAIN, e->text);
    p->line = narrow.line;
}

// In two columns when wide, filled downwards and about equally high.
static void put_list(const struct workbench *w, struct page *p, enum list list) {
    const unsigned where = workbench_behind(w)->where;
    struct entry entry[REQUEST_COUNT];
    size_t n = collect(w, entry, list, where, workbench_behind_hints(w)), i = 0;
    int columns = p->a.columns >= 108 ? 2 : 1, width = (p->a.columns - 2) / columns;
    struct page count = *p, left = *p, right = *p;
    count.a.rows = 0;
    count.find = NULL;
    for (size_t k = 0; k < n; k++)
        put_entry(&count, 1, width - 1, list, &entry[k]);
    size_t half = (count.line - p->line + 1) / 2;
    for (; i < n && (columns == 1 || left.line - p->line < half); i++)
        put_entry(&left, 1, width - 1, list, &entry[i]);
    for (; i < n; i++)
        put_entry(&right, 1 + width, width - 1, list, &entry[i]);
    p->line = left.line > right.line ? left.line : right.line;
}

// ---- pages ----

// How to begin with a session; a screen over something else says itself what there is to do.
static void put_beginning(struct page *p, const struct view *v) {
    char how[600];
    snprintf(
        how, sizeof how,
        "To begin: on screen %s look at the template and the label words; they turn each example into a "
        "sentence with a gap. On screen %s press %s: a few soft vectors in that sentence are tuned so that "
        "the model fills the gap with the right label word, while all of the model stays as it is. On "
        "screen %s see what the vectors have become. Everything is kept in the session; %s leaves, and "
        "opening it again goes on where it was.",
        PART_KEY(SCREEN_PATTERN, v->where), PART_KEY(SCREEN_RUN, v->where), PART_KEY(RUN_PAUSE, v->where),
        PART_KEY(SCREEN_PROMPT, v->where), PART_KEY(QUIT, v->where));
    p->line++;
    put_text(p, 1, STYLE_PLAIN, how);
}

static void put_screen(struct page *p, const struct workbench *w) {
    const struct view *v = workbench_behind(w);
    const char *other = workbench_behind_means(w, REQUEST_NONE);
    char title[64];
    put_text(p, 1, STYLE_STRONG, other ? other : v->purpose);
    if (!other)
        put_beginning(p, v);
    snprintf(title, sizeof title, "keys on %s%s", v->name, other ? ", over this training" : "");
    put_heading(p, title);
    put_list(w, p, LIST_HERE);
    put_heading(p, "keys everywhere");
    put_list(w, p, LIST_EVERYWHERE);
    put_heading(p, "commands, typed behind \":\" like the grey names above; Tab completes");
    put_list(w, p, LIST_TYPED);
}

static void put_request(struct page *p, enum request r) {
    const struct request_info *info = request_info(r);
    char line[160], keys[KEYMAP_KEYS], shown[KEYMAP_KEYS] = "";
    snprintf(line, sizeof line, ":%s %s", info->name, info->argument);
    put_text(p, 1, STYLE_STRONG, line);
    p->line++;
    put_text(p, 1, STYLE_PLAIN, info->help);
    p->line++;
    // The keys of each screen, once for those in a row that have the same.
    for (size_t i = 0; i < VIEW_HELP; i++) {
        if (!keymap_keys(r, view_list[i]->where, keys)[0])
            continue;
        if (strcmp(keys, shown) != 0) {
            snprintf(line, sizeof line, "keys: %s", keys);
            put_text(p, 1, STYLE_PLAIN, line);
            snprintf(shown, sizeof shown, "%s", keys);
        }
        if (info->where != WHERE_ALL) {
            const char *here = request_help(r, view_list[i]->where);
            bool own = here != info->help;
            snprintf(line, sizeof line, "on the %s screen%s%.120s", view_list[i]->name, own ? ": " : "",
                     own ? here : "");
            put_text(p, 7, STYLE_DIM, line);
        }
    }
    if (r == REQUEST_METHOD) {
        put_heading(p, "methods");
        for (size_t i = 0; i < method_count; i++) {
            snprintf(line, sizeof line, "%s: %s", method_table[i].name, method_table[i].title);
            put_text(p, 1, STYLE_KEY, line);
            put_text(p, 5, STYLE_PLAIN, method_table[i].about);
        }
    }
    if (r == REQUEST_PRESET) {
        put_heading(p, "presets");
        for (int i = 0; i < PRESETS; i++) {
            put_text(p, 1, STYLE_KEY, preset_table[i].name);
            put_text(p, 5, STYLE_PLAIN, preset_table[i].about);
        }
    }
    if (r == REQUEST_SET) {
        put_heading(p, "settings");
        for (size_t i = 0; i < run_setting_count; i++) {
            snprintf(line, sizeof line, "%s: %s", run_setting_table[i].name, run_setting_table[i].values);
            put_text(p, 1, STYLE_KEY, line);
            put_text(p, 5, STYLE_PLAIN, run_setting_table[i].help);
        }
    }
}

static void put_page(struct page *p, const struct help_view *h, const struct workbench *w) {
    if (h->one != REQUEST_NONE)
        put_request(p, h->one);
    else
        put_screen(p, w);
}

static void draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct help_view *h = state;
    char title[96], note[64];
    (void)now;
    struct area probe = area_inset(a, 1);
    struct page count = {g, area_rows(probe, 0, 0), 0, 0, NULL};
    put_page(&count, h, w);
    size_t rows = probe.rows > 0 ? (size_t)probe.rows : 0;
    h->last = count.line > rows ? count.line - rows : 0;
    h->page = rows > 1 ? rows - 1 : 1;
    h->columns = probe.columns;
    size_t top = h->top > h->last ? h->last : h->top;
    if (h->one != REQUEST_NONE)
        snprintf(title, sizeof title, "help on %s", request_info(h->one)->name);
    else
        snprintf(title, sizeof title, "help: %s", workbench_behind(w)->name);
    snprintf(note, sizeof note, "%zu-%zu of %zu", top + 1, top + rows < count.line ? top + rows : count.line,
             count.line);
    struct page page = {g, grid_frame(g, a, true, title, h->last ? note : NULL), 0, top, NULL};
    put_page(&page, h, w);
    if (h->hit != NOT_FOUND && h->hit >= top && h->hit < top + rows)
        grid_restyle(g, area_rows(page.a, (int)(h->hit - top), 1), STYLE_SELECTED);
}

// argument NULL: the text that was searched for before.
static void search(struct help_view *h, struct workbench *w, const char *argument, bool forward, double now) {
    if (argument) {
        snprintf(h->text, sizeof h->text, "%s", argument);
        h->hit = NOT_FOUND;
    }
    if (!h->text[0]) {
        workbench_say(w, STYLE_PLAIN, now, "nothing was searched for yet; %s asks for a text",
                      PART_KEY(SEARCH, WHERE_HELP));
        return;
    }
    struct finding f = {h->text, h->hit, NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND};
    struct page p = {NULL, {0, 0, 0, h->columns}, 0, 0, &f};
    put_page(&p, h, w);
    size_t hit = forward ? f.after : f.before;
    if (hit == NOT_FOUND)
        hit = forward ? f.first : f.last; // round the end
    if (hit == NOT_FOUND)
        workbench_say(w, STYLE_WARN, now, "\"%s\" is not in this help", h->text);
    else
        h->top = hit > 1 ? hit - 2 : 0;
    h->hit = hit;
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct help_view *h = state;
    size_t top = h->top > h->last ? h->last : h->top;
    switch (r) {
    case REQUEST_HELP:
        h->top = 0;
        h->hit = NOT_FOUND;
        h->one = argument ? request_find(argument[0] == ':' ? argument + 1 : argument) : REQUEST_NONE;
        if (argument && h->one == REQUEST_NONE)
            workbench_say(w, STYLE_BAD, now, "no command \"%.60s\"; all of them are listed below", argument);
        return true;
    case REQUEST_SEARCH:
    case REQUEST_SEARCH_NEXT:
    case REQUEST_SEARCH_PREVIOUS:
        search(h, w, r == REQUEST_SEARCH ? argument : NULL, r != REQUEST_SEARCH_PREVIOUS, now);
        return true;
    case REQUEST_UP:
        top -= top > 0;
        break;
    case REQUEST_DOWN:
        top++;
        break;
    case REQUEST_PAGE_UP:
        top -= top < h->page ? top : h->page;
        break;
    case REQUEST_PAGE_DOWN:
        top += h->page;
        break;
    case REQUEST_FIRST:
        top = 0;
        break;
    case REQUEST_LAST:
        top = h->last;
        break;
    default:
        return false;
    }
    h->top = top > h->last ? h->last : top;
    return true;
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request some[] = {REQUEST_BACK, REQUEST_SEARCH, REQUEST_PAGE_DOWN, REQUEST_COMMAND,
                                        REQUEST_NONE};
    (void)state;
    (void)w;
    return some;
}

const struct view view_help = {
    .name = "Help",
    .screen = REQUEST_HELP,
    .where = WHERE_HELP,
    .purpose = "Keys and commands.",
    .create = create,
    .free = free,
    .draw = draw,
    .request = request,
    .hints = hints,
};
