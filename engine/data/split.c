// SPDX-License-Identifier: GPL-3.0-or-later
// The few-shot split; the rules are in task.h.
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"

enum { STREAM_TRAIN = 0x5711, STREAM_DEV = 0x5712, STREAM_ORDER = 0x5713, STREAM_SPARE = 0x5714 };

// The examples of one file, class by class, each class in an order drawn by the seed.
struct pool {
    const struct dataset *set;
    size_t *item;  // [count] positions in the set
    size_t *begin; // [classes + 1] where each class begins in `item`
    size_t count;
};

static void pool_free(struct pool *p) {
    free(p->item);
    free(p->begin);
    memset(p, 0, sizeof *p);
}

static size_t pool_size(const struct pool *p, size_t label) {
    return p->begin[label + 1] - p->begin[label];
}

// Texts of an example as one number (over fields and options with their ends), to see repeated ones.
static uint64_t content_hash(const struct task *t, const struct example *x) {
    uint64_t h = HASH_START;
    for (size_t i = 0; i < t->fields + x->options; i++) {
        const char *text = i < t->fields ? x->field[i] : x->option[i - t->fields];
        h = hash_bytes(h, text, strlen(text) + 1);
    }
    return h;
}

static int compare_hashes(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Leaves out those whose content is among `without` (sorted; may be NULL).
static bool pool_make(struct pool *p, const struct task *t, const struct dataset *set, uint64_t seed,
                      uint64_t stream, const uint64_t *without, size_t without_count, struct error *e) {
    p->set = set;
    p->item = mem_calloc(set->count, sizeof *p->item, e);
    p->begin = mem_calloc(t->classes + 1, sizeof *p->begin, e);
    if (!p->item || !p->begin)
        return false;
    for (size_t c = 0; c < t->classes; c++) {
        p->begin[c] = p->count;
        for (size_t i = 0; i < set->count; i++) {
            if (set->example[i].label != c)
                continue;
            uint64_t h = without_count ? content_hash(t, &set->example[i]) : 0;
            if (!without_count || !bsearch(&h, without, without_count, sizeof h, compare_hashes))
                p->item[p->count++] = i;
        }
        p->begin[c + 1] = p->count;
        struct random r;
        random_seed(&r, seed, stream + 16 * (c + 1)); // a class's order does not depend on the others
        random_shuffle(&r, p->item + p->begin[c], pool_size(p, c));
    }
    return true;
}

// How many of each class to take, at most most[c]. Returns their sum.
static size_t plan(const struct task *t, const struct split_request *q, const size_t *most, size_t *take,
                   struct error *e) {
    size_t sum = 0, order_count = t->classes;
    if (q->per_class || !q->total) {
        for (size_t c = 0; c < t->classes; c++) {
            take[c] = q->per_class && q->per_class < most[c] ? q->per_class : most[c];
            sum += take[c];
        }
        return sum;
    }
    size_t *order = mem_calloc(order_count, sizeof *order, e); // who gets the odd remainder first
    if (!order)
        return 0;
    struct random r;
    random_seed(&r, q->seed, STREAM_SPARE);
    for (size_t c = 0; c < order_count; c++) {
        order[c] = c;
        take[c] = 0;
    }
    random_shuffle(&r, order, order_count);
    for (bool more = true; more && sum < q->total;) { // one round gives one to each class that has more
        more = false;
        for (size_t i = 0; i < order_count && sum < q->total; i++) {
            if (take[order[i]] == most[order[i]])
                continue;
            take[order[i]]++;
            sum++;
            more = true;
        }
    }
    free(order);
    return sum;
}

// Takes the first take[c] of each class, in an order drawn by the seed.
static const struct example **draw(const struct task *t, const struct pool *p, const size_t *take,
                                   size_t count, uint64_t seed, struct error *e) {
    const struct example **out = mem_calloc(count, sizeof *out, e);
    size_t *item = mem_calloc(count, sizeof *item, e), n = 0;
    if (!out || !item) {
        free(item);
        free(out);
        return NULL;
    }
    for (size_t c = 0; c < t->classes; c++)
        for (size_t i = 0; i < take[c]; i++)
            item[n++] = p->item[p->begin[c] + i];
    struct random r;
    random_seed(&r, seed, STREAM_ORDER);
    random_shuffle(&r, item, count);
    for (size_t i = 0; i < count; i++)
        out[i] = &p->set->example[item[i]];
    free(item);
    return out;
}

// ---- the note ----

static void add_note(struct split *s, const char *text) {
    size_t used = strlen(s->note), bad;
    snprintf(s->note + used, sizeof s->note - used, "%s%s", used ? "; " : "", text);
    if (!utf8_valid(s->note, strlen(s->note), &bad)) // cut within a character
        s->note[bad] = 0;
}

static bool falls_short(const struct task *t, const struct split_request *q, const size_t *take, size_t sum) {
    bool short_of = q->total && !q->per_class && sum < q->total;
    size_t least = SIZE_MAX, largest = 0;
    for (size_t c = 0; c < t->classes; c++) {
        short_of |= q->per_class && take[c] < q->per_class;
        least = take[c] < least ? take[c] : least;
        largest = take[c] > largest ? take[c] : largest;
    }
    return short_of || (q->total && !q->per_class && largest - least > 1);
}

// "train: 17 examples (9 entailment, 5 contradiction, 3 neutral), as the file has no more"
static void note_shortage(struct split *s, const struct task *t, const struct split_request *q,
                          const size_t *take, size_t sum, const char *which, const char *why) {
    if (!falls_short(t, q, take, sum))
        return;
    struct buffer b = {0};
    buffer_printf(&b, "%s: %zu (", which, sum);
    for (size_t c = 0; c < t->classes; c++)
        buffer_printf(&b, "%s%zu %s", c ? ", " : "", take[c], t->class_name[c]);
    buffer_printf(&b, "), %s", why);
    if (!b.failed)
        add_note(s, b.data);
    buffer_free(&b);
}

// ---- putting it together ----

struct work {
    struct pool train, dev;
    size_t *most, *take, *dev_take; // [classes]
    uint64_t *hash;                 // [train_count] sorted
};

static bool hash_train(struct work *w, const struct task *t, const struct split *s, struct error *e) {
    if (!(w->hash = mem_calloc(s->train_count, sizeof *w->hash, e)))
        return false;
    for (size_t i = 0; i < s->train_count; i++)
        w->hash[i] = content_hash(t, s->train[i]);
    qsort(w->hash, s->train_count, sizeof *w->hash, compare_hashes);
    return true;
}

static bool make_train(struct split *s, struct work *w, const struct task *t, const struct split_request *q,
                       bool shared, struct error *e) {
    if (!pool_make(&w->train, t, &t->train, q->seed, STREAM_TRAIN, NULL, 0, e))
        return false;
    for (size_t c = 0; c < t->classes; c++)
        w->most[c] = shared ? (pool_size(&w->train, c) + 1) / 2 : pool_size(&w->train, c);
    s->train_count = plan(t, q, w->most, w->take, e);
    if (!(s->train = draw(t, &w->train, w->take, s->train_count, q->seed, e)))
        return false;
    if (shared && !q->per_class && !q->total)
        add_note(s, "there is no dev file, so that half of train serves as dev");
    note_shortage(s, t, q, w->take, s->train_count, "train",
                  shared ? "as train also gives dev and has no more" : "as the file has no more");
    return true;
}

// What is left of train: its pool again, without the examples that were taken and those that repeat them.
static bool make_dev(struct split *s, struct work *w, const struct task *t, const struct split_request *q,
                     bool shared, struct error *e) {
    const struct dataset *set = shared ? &t->train : &t->dev;
    s->dev_source = shared ? "rest of train" : "dev file";
    if (!hash_train(w, t, s, e) ||
        !pool_make(&w->dev, t, set, q->seed, STREAM_DEV, w->hash, s->train_count, e))
        return false;
    struct split_request same = *q;
    if (shared && !q->per_class && !q->total) // as large as train
        same.total = s->train_count;
    for (size_t c = 0; c < t->classes; c++)
        w->most[c] = pool_size(&w->dev, c);
    s->dev_count = plan(t, &same, w->most, w->dev_take, e);
    if (!(s->dev = draw(t, &w->dev, w->dev_take, s->dev_count, q->seed, e)))
        return false;
    note_shortage(s, t, q, w->dev_take, s->dev_count, "dev", "as there are no more");
    return true;
}

// ---- own examples ----

// Appends those for train or for dev.
static bool add_own(const struct example ***list, size_t *count, const struct dataset *own, bool dev,
                    struct error *e) {
    size_t n = *count, more = 0;
    for (size_t i = 0; i < own->count; i++)
        more += own->example[i].for_dev == dev;
    const struct example **all = mem_calloc(n + more, sizeof *all, e);
    if (!all)
        return false;
    if (n)
        memcpy(all, *list, n * sizeof *all);
    for (size_t i = 0; i < own->count; i++)
        if (own->example[i].for_dev == dev)
            all[n++] = &own->example[i];
    free(*list);
    *list = all;
    *count = n;
    return true;
}

// Takes out of dev what has the texts of one in train.
static bool drop_repeated(struct split *s, const struct task *t, struct error *e) {
    struct work w = {0};
    size_t kept = 0;
    if (!hash_train(&w, t, s, e))
        return false;
    for (size_t i = 0; i < s->dev_count; i++) {
        uint64_t h = content_hash(t, s->dev[i]);
        if (!bsearch(&h, w.hash, s->train_count, sizeof h, compare_hashes))
            s->dev[kept++] = s->dev[i];
    }
    s->dev_count = kept;
    free(w.hash);
    return true;
}

static bool use_own(struct split *s, const struct task *t, const struct split_request *q, struct error *e) {
    size_t own_train = 0;
    for (size_t i = 0; i < q->own->count; i++)
        own_train += !q->own->example[i].for_dev;
    bool only = q->own_use == SPLIT_OWN_ONLY, own_dev = own_train < q->own->count;
    if (only && !own_train)
        return error_set(e, ERROR_INPUT,
                         "no own example is for training: type some on the Data screen (a), or use the "
                         "task's with :set own none");
    if (only)
        s->train_count = 0;
    if (only && own_dev) {
        s->dev_count = 0;
        s->dev_source = "own examples";
    }
    return add_own(&s->train, &s->train_count, q->own, false, e) &&
           add_own(&s->dev, &s->dev_count, q->own, true, e) && drop_repeated(s, t, e) &&
           (s->dev_count ||
            error_set(e, ERROR_INPUT, "no example is left for dev: mark some own examples as dev"));
}

// Of a task without files.
static bool use_own_alone(struct split *s, const struct task *t, const struct dataset *own, struct error *e) {
    static const struct dataset none;
    bool trains = false;
    s->dev_source = "own examples";
    for (size_t i = 0; own && i < own->count; i++)
        trains |= !own->example[i].for_dev;
    const struct dataset *used = trains ? own : &none;
    return add_own(&s->train, &s->train_count, used, false, e) &&
           add_own(&s->dev, &s->dev_count, used, true, e) && drop_repeated(s, t, e) &&
           (s->dev_count || !trains ||
            error_set(e, ERROR_INPUT,
                      "no example is for dev yet: it takes one at least to score the prompt"));
}

bool split_make(struct split *out, const struct task *t, const struct split_request *request,
                struct error *e) {
    memset(out, 0, sizeof *out);
    if (!t->train.count) {
        bool made = use_own_alone(out, t, request->own, e);
        if (!made)
            split_free(out);
        return made;
    }
    struct work w = {0};
    bool ok = false, shared = !t->dev.count || request->dev_from_train;
    w.most = mem_calloc(t->classes, sizeof *w.most, e);
    w.take = mem_calloc(t->classes, sizeof *w.take, e);
    w.dev_take = mem_calloc(t->classes, sizeof *w.dev_take, e);
    if (!w.most || !w.take || !w.dev_take)
        goto done;
    if (!make_train(out, &w, t, request, shared, e))
        goto done;
    if (!out->train_count) {
        error_set(e, ERROR_INPUT,
                  "%s: no example to train on; ask for more, or name a file with labelled examples",
                  t->train.path ? t->train.path : t->name);
        goto done;
    }
    ok = make_dev(out, &w, t, request, shared, e) &&
         (!request->own || request->own_use == SPLIT_OWN_NONE || use_own(out, t, request, e));
done:
    free(w.hash);
    free(w.dev_take);
    free(w.take);
    free(w.most);
    pool_free(&w.dev);
    pool_free(&w.train);
    if (!ok)
        split_free(out);
    return ok;
}

void split_free(struct split *s) {
    free(s->train);
    free(s->dev);
    memset(s, 0, sizeof *s);
}
