// SPDX-License-Identifier: GPL-3.0-or-later
// The stack machine: one function an opcode, in a table by opcode. What each does is documented in CPython's
// Lib/pickletools.py.
#include "pickle.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"

enum { MOST_BYTES = 8 << 20, BLOCK = 256, LEAST_PROTOCOL = 2, MOST_PROTOCOL = 5 };

struct block {
    struct block *next;
    size_t count;
    struct pickle_value value[BLOCK];
};
struct pickle {
    struct block *block; // the newest first; own all values
    const struct pickle_value *root;
    const struct pickle_value **reference;
    size_t references, reference_capacity;
};

struct machine {
    struct pickle *p;
    const unsigned char *bytes;
    size_t length, at;
    const char *const *globals;
    const struct pickle_value **stack;
    size_t depth, stack_capacity;
    const struct pickle_value **memo; // NULL: nothing was put there
    size_t memos, memo_capacity;
    bool stopped;
};
typedef bool operation(struct machine *m, struct error *e);

static const struct pickle_value the_mark, none = {.kind = PICKLE_NONE};
static const struct pickle_value truth[2] = {{.kind = PICKLE_BOOL, .integer = 0},
                                             {.kind = PICKLE_BOOL, .integer = 1}};

const char *pickle_kind_name(enum pickle_kind kind) {
    static const char *const names[] = {[PICKLE_NONE] = "None",
                                        [PICKLE_BOOL] = "a truth value",
                                        [PICKLE_INTEGER] = "a whole number",
                                        [PICKLE_LARGE] = "a large whole number",
                                        [PICKLE_NUMBER] = "a number",
                                        [PICKLE_TEXT] = "a text",
                                        [PICKLE_TUPLE] = "a tuple",
                                        [PICKLE_LIST] = "a list",
                                        [PICKLE_DICT] = "a dict",
                                        [PICKLE_GLOBAL] = "a class or function",
                                        [PICKLE_CALL] = "an object",
                                        [PICKLE_REFERENCE] = "a storage"};
    return names[kind];
}

bool pickle_is_text(const struct pickle_value *v, const char *text) {
    return v->kind == PICKLE_TEXT && v->text.length == strlen(text) &&
           memcmp(v->text.bytes, text, v->text.length) == 0;
}

// ---- values and the stack ----

static bool damaged(struct error *e) {
    return error_set(e, ERROR_INPUT, "it is no whole pickle: is the file cut short or damaged?");
}

static struct pickle_value *new_value(struct machine *m, enum pickle_kind kind, struct error *e) {
    struct block *b = m->p->block;
    if (!b || b->count == BLOCK) {
        if (!(b = mem_calloc(1, sizeof *b, e)))
            return NULL;
        b->next = m->p->block;
        m->p->block = b;
    }
    struct pickle_value *v = &b->value[b->count++];
    v->kind = kind;
    return v;
}

static bool has_items(enum pickle_kind kind) {
    return kind == PICKLE_TUPLE || kind == PICKLE_LIST || kind == PICKLE_DICT || kind == PICKLE_CALL ||
           kind == PICKLE_REFERENCE;
}

static bool push(struct machine *m, const struct pickle_value *v, struct error *e) {
    if (!v || !mem_grow(&m->stack, &m->stack_capacity, m->depth + 1, sizeof *m->stack, e))
        return false;
    m->stack[m->depth++] = v;
    return true;
}

// NULL where the stack is empty down to the last mark.
static const struct pickle_value *pop(struct machine *m) {
    return m->depth && m->stack[m->depth - 1] != &the_mark ? m->stack[--m->depth] : NULL;
}

// What lies on the stack above the last mark; *from is the place of the first.
static bool above_mark(const struct machine *m, size_t *from) {
    for (*from = m->depth; *from > 0; (*from)--)
        if (m->stack[*from - 1] == &the_mark)
            return true;
    return false;
}

static bool add_items(struct pickle_value *v, const struct pickle_value *const *item, size_t count,
                      struct error *e) {
    if (!mem_grow(&v->item, &v->capacity, v->count + count, sizeof *v->item, e))
        return false;
    for (size_t i = 0; i < count; i++)
        v->item[v->count++] = item[i];
    return true;
}

// Takes `count` values off the top of the stack and `below` more places, and puts a value that holds them.
static bool gather(struct machine *m, enum pickle_kind kind, size_t count, size_t below, struct error *e) {
    struct pickle_value *v = new_value(m, kind, e);
    if (!v || !add_items(v, m->stack + m->depth - count, count, e))
        return false;
    m->depth -= count + below;
    return push(m, v, e);
}

// As many values as that lie above the last mark.
static bool has_values(const struct machine *m, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (i >= m->depth || m->stack[m->depth - 1 - i] == &the_mark)
            return false;
    return true;
}

// ---- what stands behind an opcode ----

static bool take_bytes(struct machine *m, size_t count, const unsigned char **out, struct error *e) {
    *out = m->bytes + m->at;
    if (count > m->length - m->at)
        return damaged(e);
    m->at += count;
    return true;
}

// `size` bytes, little-endian, at most 8.
static bool take_number(struct machine *m, size_t size, uint64_t *out, struct error *e) {
    const unsigned char *at;
    *out = 0;
    if (!take_bytes(m, size, &at, e))
        return false;
    for (size_t i = 0; i < size; i++)
        *out |= (uint64_t)at[i] << (8 * i);
    return true;
}

// A length of so many bytes, and the bytes.
static bool take_block(struct machine *m, size_t size, const unsigned char **out, size_t *length,
                       struct error *e) {
    uint64_t n;
    bool ok = take_number(m, size, &n, e);
    *out = m->bytes + m->at;
    *length = (size_t)n;
    if (!ok)
        return false;
    if (n > m->length - m->at)
        return damaged(e);
    return take_bytes(m, *length, out, e);
}

static bool take_line(struct machine *m, const char **out, size_t *length, struct error *e) {
    const unsigned char *begin = m->bytes + m->at, *end = memchr(begin, '\n', m->length - m->at);
    *out = (const char *)begin;
    *length = end ? (size_t)(end - begin) : 0;
    if (!end)
        return damaged(e);
    m->at += *length + 1;
    return true;
}

// ---- opcodes: plain values ----

static bool push_integer(struct machine *m, int64_t n, struct error *e) {
    struct pickle_value *v = new_value(m, PICKLE_INTEGER, e);
    if (v)
        v->integer = n;
    return push(m, v, e);
}
static bool op_binint(struct machine *m, struct error *e) {
    uint64_t n;
    return take_number(m, 4, &n, e) && push_integer(m, (int32_t)(uint32_t)n, e);
}
static bool op_binint1(struct machine *m, struct error *e) {
    uint64_t n;
    return take_number(m, 1, &n, e) && push_integer(m, (int64_t)n, e);
}
static bool op_binint2(struct machine *m, struct error *e) {
    uint64_t n;
    return take_number(m, 2, &n, e) && push_integer(m, (int64_t)n, e);
}
static bool push_long(struct machine *m, size_t size, struct error *e) {
    const unsigned char *at;
    size_t n;
    if (!take_block(m, size, &at, &n, e))
        return false;
    if (n > sizeof(int64_t)) {
        struct pickle_value *v = new_value(m, PICKLE_LARGE, e);
        if (v) {
            v->text.bytes = (const char *)at;
            v->text.length = n;
        }
        return push(m, v, e);
    }
    uint64_t value = n && at[n - 1] & 0x80 ? UINT64_MAX : 0;
    memcpy(&value, at, n);
    return push_integer(m, (int64_t)value, e);
}
static bool op_long1(struct machine *m, struct error *e) {
    return push_long(m, 1, e);
}
static bool op_long4(struct machine *m, struct error *e) {
    return push_long(m, 4, e);
}
static bool op_binfloat(struct machine *m, struct error *e) {
    const unsigned char *at;
    uint64_t bits = 0;
    if (!take_bytes(m, 8, &at, e))
        return false;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | at[i];
    struct pickle_value *v = new_value(m, PICKLE_NUMBER, e);
    if (v)
        memcpy(&v->number, &bits, sizeof v->number);
    return push(m, v, e);
}
static bool push_text(struct machine *m, size_t size, struct error *e) {
    const unsigned char *at;
    size_t n;
    if (!take_block(m, size, &at, &n, e))
        return false;
    if (!utf8_valid((const char *)at, n, NULL))
        return error_set(e, ERROR_INPUT, "a text in it is no UTF-8");
    struct pickle_value *v = new_value(m, PICKLE_TEXT, e);
    if (v) {
        v->text.bytes = (const char *)at;
        v->text.length = n;
    }
    return push(m, v, e);
}
static bool op_text1(struct machine *m, struct error *e) {
    return push_text(m, 1, e);
}
static bool op_text4(struct machine *m, struct error *e) {
    return push_text(m, 4, e);
}
static bool op_text8(struct machine *m, struct error *e) {
    return push_text(m, 8, e);
}
static bool op_none(struct machine *m, struct error *e) {
    return push(m, &none, e);
}
static bool op_true(struct machine *m, struct error *e) {
    return push(m, &truth[1], e);
}
static bool op_false(struct machine *m, struct error *e) {
    return push(m, &truth[0], e);
}

// ---- opcodes: containers ----

static bool op_empty_tuple(struct machine *m, struct error *e) {
    return push(m, new_value(m, PICKLE_TUPLE, e), e);
}
static bool op_empty_list(struct machine *m, struct error *e) {
    return push(m, new_value(m, PICKLE_LIST, e), e);
}
static bool op_empty_dict(struct machine *m, struct error *e) {
    return push(m, new_value(m, PICKLE_DICT, e), e);
}
static bool op_mark(struct machine *m, struct error *e) {
    return push(m, &the_mark, e);
}
static bool gather_to_mark(struct machine *m, enum pickle_kind kind, struct error *e) {
    size_t from;
    if (!above_mark(m, &from) || (kind == PICKLE_DICT && (m->depth - from) % 2))
        return damaged(e);
    return gather(m, kind, m->depth - from, 1, e);
}
static bool op_tuple(struct machine *m, struct error *e) {
    return gather_to_mark(m, PICKLE_TUPLE, e);
}
static bool op_list(struct machine *m, struct error *e) {
    return gather_to_mark(m, PICKLE_LIST, e);
}
static bool op_dict(struct machine *m, struct error *e) {
    return gather_to_mark(m, PICKLE_DICT, e);
}
static bool op_tuple1(struct machine *m, struct error *e) {
    return has_values(m, 1) ? gather(m, PICKLE_TUPLE, 1, 0, e) : damaged(e);
}
static bool op_tuple2(struct machine *m, struct error *e) {
    return has_values(m, 2) ? gather(m, PICKLE_TUPLE, 2, 0, e) : damaged(e);
}
static bool op_tuple3(struct machine *m, struct error *e) {
    return has_values(m, 3) ? gather(m, PICKLE_TUPLE, 3, 0, e) : damaged(e);
}

// Moves the values from `from` on into the list or dict that lies `below` places under them.
static bool move_into(struct machine *m, enum pickle_kind kind, size_t from, size_t below, struct error *e) {
    size_t count = m->depth - from;
    if (from < below + 1 || (kind == PICKLE_DICT && count % 2))
        return damaged(e);
    const struct pickle_value *v = m->stack[from - below - 1];
    if (v == &the_mark || v->kind != kind)
        return damaged(e);
    // All values that are not constants come from new_value, which owns them.
    if (!add_items((struct pickle_value *)(uintptr_t)v, m->stack + from, count, e))
        return false;
    m->depth = from - below;
    return true;
}
static bool move_to_mark(struct machine *m, enum pickle_kind kind, struct error *e) {
    size_t from;
    return above_mark(m, &from) ? move_into(m, kind, from, 1, e) : damaged(e);
}
static bool op_append(struct machine *m, struct error *e) {
    return has_values(m, 2) ? move_into(m, PICKLE_LIST, m->depth - 1, 0, e) : damaged(e);
}
static bool op_appends(struct machine *m, struct error *e) {
    return move_to_mark(m, PICKLE_LIST, e);
}
static bool op_setitem(struct machine *m, struct error *e) {
    return has_values(m, 3) ? move_into(m, PICKLE_DICT, m->depth - 2, 0, e) : damaged(e);
}
static bool op_setitems(struct machine *m, struct error *e) {
    return move_to_mark(m, PICKLE_DICT, e);
}
static bool op_pop(struct machine *m, struct error *e) {
    if (!m->depth)
        return damaged(e);
    m->depth--; // a mark, too
    return true;
}
static bool op_pop_mark(struct machine *m, struct error *e) {
    size_t from;
    if (!above_mark(m, &from))
        return damaged(e);
    m->depth = from - 1;
    return true;
}

// ---- opcodes: the memo ----

static bool put_memo(struct machine *m, uint64_t i, struct error *e) {
    if (!has_values(m, 1) || i >= m->at) // every pickle numbers from 0 on
        return damaged(e);
    if (!mem_grow(&m->memo, &m->memo_capacity, (size_t)i + 1, sizeof *m->memo, e))
        return false;
    while (m->memos <= i)
        m->memo[m->memos++] = NULL;
    m->memo[i] = m->stack[m->depth - 1];
    return true;
}
static bool get_memo(struct machine *m, uint64_t i, struct error *e) {
    return i < m->memos && m->memo[i] ? push(m, m->memo[i], e) : damaged(e);
}
static bool op_binput(struct machine *m, struct error *e) {
    uint64_t i;
    return take_number(m, 1, &i, e) && put_memo(m, i, e);
}
static bool op_long_binput(struct machine *m, struct error *e) {
    uint64_t i;
    return take_number(m, 4, &i, e) && put_memo(m, i, e);
}
static bool op_memoize(struct machine *m, struct error *e) {
    return put_memo(m, m->memos, e);
}
static bool op_binget(struct machine *m, struct error *e) {
    uint64_t i;
    return take_number(m, 1, &i, e) && get_memo(m, i, e);
}
static bool op_long_binget(struct machine *m, struct error *e) {
    uint64_t i;
    return take_number(m, 4, &i, e) && get_memo(m, i, e);
}

// ---- opcodes: names and calls ----

static bool is_global(const char *global, const char *module, size_t m, const char *name, size_t n) {
    return strlen(global) == m + 1 + n && memcmp(global, module, m) == 0 && global[m] == '.' &&
           memcmp(global + m + 1, name, n) == 0;
}

static bool push_global(struct machine *m, const char *module, size_t module_length, const char *name,
                        size_t name_length, struct error *e) {
    enum { SHOWN = 200 };
    size_t i = 0;
    while (m->globals[i] && !is_global(m->globals[i], module, module_length, name, name_length))
        i++;
    if (!m->globals[i])
        return error_set(e, ERROR_INPUT,
                         "it holds \"%.*s.%.*s\", which is not loaded, as nothing in such a file is run: in "
                         "PyTorch, save its tensors alone (a state_dict)",
                         module_length < SHOWN ? (int)module_length : SHOWN, module,
                         name_length < SHOWN ? (int)name_length : SHOWN, name);
    struct pickle_value *v = new_value(m, PICKLE_GLOBAL, e);
    if (v)
        v->integer = (int64_t)i;
    return push(m, v, e);
}
static bool op_global(struct machine *m, struct error *e) {
    const char *module, *name = NULL;
    size_t a, b = 0;
    return take_line(m, &module, &a, e) && take_line(m, &name, &b, e) &&
           push_global(m, module, a, name, b, e);
}
static bool op_stack_global(struct machine *m, struct error *e) {
    if (!has_values(m, 2))
        return damaged(e);
    const struct pickle_value *name = pop(m), *module = pop(m);
    if (name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT)
        return damaged(e);
    return push_global(m, module->text.bytes, module->text.length, name->text.bytes, name->text.length, e);
}

// OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 writes it.
static bool push_ordered_dict(struct machine *m, const struct pickle_value *arguments, struct error *e) {
    struct pickle_value *dict = new_value(m, PICKLE_DICT, e);
    const struct pickle_value *pairs = arguments->count == 1 ? arguments->item[0] : NULL;
    if (!dict)
        return false;
    if (arguments->count > 1 || (pairs && pairs->kind != PICKLE_LIST))
        return error_set(e, ERROR_INPUT, "it makes an OrderedDict in a way that is not known");
    for (size_t i = 0; pairs && i < pairs->count; i++) {
        const struct pickle_value *pair = pairs->item[i];
        if ((pair->kind != PICKLE_LIST && pair->kind != PICKLE_TUPLE) || pair->count != 2)
            return error_set(e, ERROR_INPUT, "it makes an OrderedDict in a way that is not known");
        if (!add_items(dict, pair->item, 2, e))
            return false;
    }
    return push(m, dict, e);
}
static bool op_reduce(struct machine *m, struct error *e) {
    if (!has_values(m, 2))
        return damaged(e);
    const struct pickle_value *arguments = m->stack[m->depth - 1], *global = m->stack[m->depth - 2];
    if (global->kind != PICKLE_GLOBAL || arguments->kind != PICKLE_TUPLE)
        return damaged(e);
    if (strcmp(m->globals[global->integer], "collections.OrderedDict") != 0)
        return gather(m, PICKLE_CALL, 2, 0, e);
    m->depth -= 2;
    return push_ordered_dict(m, arguments, e);
}
// Attributes of an object: a dict of tensors keeps notes there (_metadata) that nothing here asks for.
static bool op_build(struct machine *m, struct error *e) {
    if (!has_values(m, 2))
        return damaged(e);
    const struct pickle_value *object = m->stack[m->depth - 2];
    if (object->kind != PICKLE_DICT && object->kind != PICKLE_CALL)
        return damaged(e);
    m->depth--;
    return true;
}
static bool op_binpersid(struct machine *m, struct error *e) {
    struct pickle *p = m->p;
    if (!has_values(m, 1))
        return damaged(e);
    if (!gather(m, PICKLE_REFERENCE, 1, 0, e) ||
        !mem_grow(&p->reference, &p->reference_capacity, p->references + 1, sizeof *p->reference, e))
        return false;
    p->reference[p->references++] = m->stack[m->depth - 1];
    return true;
}

// ---- opcodes: the frame ----

static bool op_protocol(struct machine *m, struct error *e) {
    uint64_t n;
    if (!take_number(m, 1, &n, e))
        return false;
    return (n >= LEAST_PROTOCOL && n <= MOST_PROTOCOL) ||
           error_set(e, ERROR_INPUT, "it is of pickle protocol %u; %d to %d are read", (unsigned)n,
                     LEAST_PROTOCOL, MOST_PROTOCOL);
}
static bool op_frame(struct machine *m, struct error *e) {
    const unsigned char *length;
    return take_bytes(m, 8, &length, e); // a hint for buffering
}
static bool op_stop(struct machine *m, struct error *e) {
    if (m->depth != 1 || !has_values(m, 1))
        return damaged(e);
    m->p->root = m->stack[0];
    m->stopped = true;
    return true;
}

static operation *const operations[256] = {
    [0x80] = op_protocol, [0x95] = op_frame,      ['.'] = op_stop,        ['N'] = op_none,
    [0x88] = op_true,     [0x89] = op_false,      ['J'] = op_binint,      ['K'] = op_binint1,
    ['M'] = op_binint2,   [0x8a] = op_long1,      [0x8b] = op_long4,      ['G'] = op_binfloat,
    [0x8c] = op_text1,    ['X'] = op_text4,       [0x8d] = op_text8,      ['U'] = op_text1,
    ['T'] = op_text4,     [')'] = op_empty_tuple, [']'] = op_empty_list,  ['}'] = op_empty_dict,
    ['('] = op_mark,      ['t'] = op_tuple,       ['l'] = op_list,        ['d'] = op_dict,
    [0x85] = op_tuple1,   [0x86] = op_tuple2,     [0x87] = op_tuple3,     ['a'] = op_append,
    ['e'] = op_appends,   ['s'] = op_setitem,     ['u'] = op_setitems,    ['0'] = op_pop,
    ['1'] = op_pop_mark,  ['q'] = op_binput,      ['r'] = op_long_binput, [0x94] = op_memoize,
    ['h'] = op_binget,    ['j'] = op_long_binget, ['c'] = op_global,      [0x93] = op_stack_global,
    ['R'] = op_reduce,    ['b'] = op_build,       ['Q'] = op_binpersid,
};

static bool run(struct machine *m, struct error *e) {
    while (!m->stopped) {
        size_t at = m->at;
        if (at == m->length || at >= MOST_BYTES)
            return at < MOST_BYTES ? damaged(e)
                                   : error_set(e, ERROR_INPUT,
                                               "it is longer than %d MB, which no dict of "
                                               "tensors needs",
                                               MOST_BYTES >> 20);
        unsigned char opcode = m->bytes[m->at++];
        bool ok = operations[opcode] ? operations[opcode](m, e)
                                     : error_set(e, ERROR_INPUT,
                                                 "its opcode 0x%02x is none that a dict of "
                                                 "tensors needs: it is not read",
                                                 opcode);
        if (!ok)
            return error_context(e, "byte %zu", at);
    }
    return true;
}

bool pickle_read(struct pickle **out, const unsigned char *borrow_bytes, size_t length, size_t *used,
                 const char *const *globals, struct error *e) {
    *out = NULL;
    struct machine m = {.bytes = borrow_bytes, .length = length, .globals = globals};
    m.p = mem_calloc(1, sizeof *m.p, e);
    bool ok = m.p && run(&m, e);
    free(m.stack);
    free(m.memo);
    if (!ok) {
        pickle_free(m.p);
        return false;
    }
    if (used)
        *used = m.at;
    *out = m.p;
    return true;
}

void pickle_free(struct pickle *p) {
    if (!p)
        return;
    for (struct block *b = p->block, *next; b; b = next) {
        next = b->next;
        for (size_t i = 0; i < b->count; i++)
            if (has_items(b->value[i].kind))
                free(b->value[i].item);
        free(b);
    }
    free(p->reference);
    free(p);
}

const struct pickle_value *pickle_root(const struct pickle *p) {
    return p->root;
}

size_t pickle_references(const struct pickle *p) {
    return p->references;
}

const struct pickle_value *pickle_reference(const struct pickle *p, size_t i) {
    return p->reference[i];
}
