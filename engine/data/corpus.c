// SPDX-License-Identifier: GPL-3.0-or-later
// Opening files, and finding the documents that begin in a block.
//
// A document begins at a byte that is no white space, behind white space with `breaks` line ends (two, or one
// in the layout "lines") or at the beginning of the file: that is seen from the bytes in front of it. For
// documents that never end, every CORPUS_LONGEST bytes a cut is made, unless a document began within so many
// bytes before. Both walks, from the block and along a document, follow the same rules, so that each byte of
// text is in one document.
#include "corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus_inside.h"
#include "engine/base/hash.h"
#include "engine/base/utf8.h"
#include "sentences.h"

_Static_assert(CORPUS_LONGEST % CORPUS_BLOCK == 0, "a cut must lie in the block that decides on it");

enum { MOST_FILES = 1 << 14, GUESS_BYTES = 1 << 18 };

struct corpus_file {
    char *path;
    int fd;
    uint64_t size, first_block, blocks;
    struct timespec changed;
};

struct corpus {
    struct corpus_file *file;
    size_t files;
    uint64_t blocks, bytes, fingerprint;
    enum corpus_layout layout;
};

// ---- names ----

static const char *const layout_names[] = {"auto", "sentences", "paragraphs", "lines"};
enum { LAYOUTS = sizeof layout_names / sizeof *layout_names };

const char *corpus_layout_name(enum corpus_layout layout) {
    return (size_t)layout < LAYOUTS ? layout_names[layout] : NULL;
}

bool corpus_layout_find(const char *name, enum corpus_layout *out) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        if (strcmp(layout_names[i], name) != 0)
            continue;
        *out = (enum corpus_layout)i;
        return true;
    }
    return false;
}

uint64_t corpus_mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// ---- reading ----

// `length` bytes at `at`, all of which were there when the corpus was opened.
static bool read_at(const struct corpus_file *f, uint64_t at, char *to, size_t length, struct error *e) {
    while (length) {
        ssize_t n = pread(f->fd, to, length, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_system(e, "cannot read %s", f->path);
        if (n == 0)
            return error_set(e, ERROR_INPUT, "%s has become shorter while it was read; begin again", f->path);
        to += n;
        at += (uint64_t)n;
        length -= (size_t)n;
    }
    return true;
}

static bool unchanged(const struct corpus_file *f, struct error *e) {
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return error_system(e, "cannot read %s", f->path);
    if ((uint64_t)st.st_size == f->size && st.st_mtim.tv_sec == f->changed.tv_sec &&
        st.st_mtim.tv_nsec == f->changed.tv_nsec)
        return true;
    return error_set(e, ERROR_INPUT, "%s was written to while it was read; begin again", f->path);
}

// The bytes of a file, a page at a time.
struct scan {
    const struct corpus_file *file;
    unsigned char *page; // [CORPUS_BLOCK]
    uint64_t at;         // of the page
    size_t length;
    unsigned breaks; // line ends that part documents
    bool failed;
    struct error *e;
};

static int byte_at(struct scan *s, uint64_t at) {
    if (at - s->at < s->length)
        return s->page[at - s->at];
    if (at >= s->file->size || s->failed)
        return -1;
    s->at = at / CORPUS_BLOCK * CORPUS_BLOCK;
    s->length = s->file->size - s->at < CORPUS_BLOCK ? (size_t)(s->file->size - s->at) : CORPUS_BLOCK;
    if (read_at(s->file, s->at, (char *)s->page, s->length, s->e))
        return s->page[at - s->at];
    s->failed = true;
    s->length = 0;
    return -1;
}

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The white space that ends at `at`: how many line ends it has, and whether it reaches the beginning of the
// file.
static size_t line_ends_before(struct scan *s, uint64_t at, bool *beginning) {
    size_t ends = 0;
    while (at > 0 && is_space(byte_at(s, at - 1)) && ends < 2)
        ends += byte_at(s, --at) == '\n';
    *beginning = at == 0;
    return ends;
}

// Whether a document begins, uncut, in [from, at).
static bool begins_between(struct scan *s, uint64_t from, uint64_t at) {
    size_t ends = 0;
    bool text = false, beginning;
    for (; at > from; at--) {
        int c = byte_at(s, at - 1);
        if (!is_space(c)) {
            text = true;
            ends = 0;
        } else if (text) {
            ends += c == '\n';
            if (ends >= s->breaks)
                return true;
        }
    }
    ends += line_ends_before(s, at, &beginning);
    return text && (ends >= s->breaks || beginning);
}

// The first character that begins at or behind `at`.
static uint64_t character_from(struct scan *s, uint64_t at) {
    for (uint64_t i = at; i < at + 4; i++)
        if ((byte_at(s, i) & 0xc0) != 0x80)
            return i;
    return at;
}

struct place {
    uint64_t at;
    bool found, cut; // cut: in the middle of what is one document in the file
};

// The first document that begins in the block [from, to).
static struct place first_in_block(struct scan *s, uint64_t from, uint64_t to) {
    bool beginning;
    size_t ends = line_ends_before(s, from, &beginning);
    bool cuts = from && from % CORPUS_LONGEST == 0 && !begins_between(s, from - CORPUS_LONGEST, from);
    for (uint64_t at = from; at < to; at++) {
        int c = byte_at(s, at);
        if (c < 0)
            break;
        if (is_space(c)) {
            ends += c == '\n';
            continue;
        }
        if (beginning || ends >= s->breaks || (cuts && ends))
            return (struct place){at, true, !beginning && ends < s->breaks};
        ends = 0;
    }
    return cuts ? (struct place){character_from(s, from), true, true} : (struct place){0};
}

// Where the document that begins at `first` ends and the next begins; not found: at the end of the file.
static struct place next_behind(struct scan *s, struct place first) {
    uint64_t cut = 0; // where one is due
    size_t ends = 0;
    for (uint64_t at = first.at;; at++) {
        if (cut && at >= cut + CORPUS_BLOCK)
            return (struct place){character_from(s, cut), true, true};
        int c = byte_at(s, at);
        if (c < 0)
            break;
        if (at > first.at && at % CORPUS_LONGEST == 0 && (first.cut || first.at < at - CORPUS_LONGEST))
            cut = at;
        if (is_space(c)) {
            ends += c == '\n';
            continue;
        }
        if (ends >= s->breaks || (cut && ends))
            return (struct place){at, true, ends < s->breaks};
        ends = 0;
    }
    return cut ? (struct place){character_from(s, cut), true, true} : (struct place){.at = s->file->size};
}

// ---- a document ----

void corpus_shelf_clear(struct corpus_shelf *s) {
    buffer_clear(&s->text);
    s->starts = s->documents = 0;
}

void corpus_shelf_free(struct corpus_shelf *s) {
    buffer_free(&s->text);
    buffer_free(&s->raw);
    buffer_free(&s->clean);
    free(s->start);
    free(s->document);
    free(s->page);
    *s = (struct corpus_shelf){0};
}

// raw becomes clean: UTF-8 without NUL, white space but line ends as spaces.
static void clean_text(struct corpus_shelf *s, bool beginning) {
    const char *raw = s->raw.data;
    size_t length = s->raw.length,
           at = beginning && length >= 3 && memcmp(raw, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    buffer_clear(&s->clean);
    while (at < length) {
        size_t plain = at, n;
        while (plain < length && ((raw[plain] >= ' ' && raw[plain] < 0x7f) || raw[plain] == '\n'))
            plain++;
        buffer_add(&s->clean, raw + at, plain - at);
        at = plain;
        if (at == length)
            break;
        uint32_t c;
        n = utf8_decode(raw + at, length - at, &c);
        if (!c || (c == 0xfffd && n == 1)) {
            buffer_add_text(&s->clean, "\xef\xbf\xbd");
            s->counts.replaced++;
        } else if (is_space((int)c)) {
            buffer_add_char(&s->clean, ' ');
        } else {
            buffer_add(&s->clean, raw + at, n);
        }
        at += n;
    }
}

struct adding {
    struct corpus_shelf *shelf;
    struct shelf_document *document;
    struct error *e;
};

static bool add_start(struct corpus_shelf *s, struct error *e) {
    if (!mem_grow(&s->start, &s->start_capacity, s->starts + 1, sizeof *s->start, e))
        return false;
    s->start[s->starts++] = s->text.length;
    return true;
}

static bool add_sentence(void *context, const char *text, size_t length) {
    struct adding *a = context;
    struct shelf_document *d = a->document;
    if (!add_start(a->shelf, a->e))
        return false;
    buffer_add(&a->shelf->text, text, length);
    buffer_add(&a->shelf->text, "", 1);
    d->hash = hash_bytes(hash_bytes(d->hash, text, length), "\n", 1);
    d->sentences++;
    d->bytes += length;
    return true;
}

static bool add_lines(const struct corpus *c, struct adding *a) {
    const char *text = a->shelf->clean.data, *end = text ? text + a->shelf->clean.length : text;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text)), *line = text;
        size_t length = (size_t)((line_end ? line_end : end) - text);
        text += length + 1;
        if (c->layout != CORPUS_SENTENCES) {
            if (!sentences_split(line, length, add_sentence, a))
                return false;
            continue;
        }
        sentence_trim(&line, &length);
        if (length && !add_sentence(a, line, length))
            return false;
    }
    return add_start(a->shelf, a->e) && buffer_ok(&a->shelf->text, a->e) && buffer_ok(&a->shelf->clean, a->e);
}

// Whether the shelf's part has a document of this hash.
static bool in_part(const struct corpus_shelf *s, uint64_t hash) {
    double number = (double)(corpus_mix(hash) >> 11) * 0x1p-53;
    return s->from <= number && number < s->to;
}

static void count(struct corpus_counts *n, const struct shelf_document *d, bool cut) {
    n->documents++;
    n->sentences += d->sentences;
    n->bytes += d->bytes;
    n->cut += cut;
}

// The document in raw onto the shelf, if it belongs there.
static bool add_document(struct corpus_shelf *s, const struct corpus *c, uint64_t place, bool cut,
                         struct error *e) {
    size_t text = s->text.length, starts = s->starts;
    if (!mem_grow(&s->document, &s->document_capacity, s->documents + 1, sizeof *s->document, e))
        return false;
    struct shelf_document *d = &s->document[s->documents];
    *d = (struct shelf_document){.first_start = starts, .hash = HASH_START, .place = place};
    clean_text(s, (place & ((1ull << 48) - 1)) == 0);
    if (!add_lines(c, &(struct adding){s, d, e}))
        return false;
    bool belongs = d->sentences && in_part(s, d->hash);
    bool enough = d->sentences >= s->least_sentences;
    s->counts.too_short += belongs && !enough;
    if (belongs && enough) {
        count(&s->counts, d, cut);
        s->documents++;
        return true;
    }
    s->starts = starts;
    s->text.length = text;
    return true;
}

static bool read_document(struct corpus_shelf *s, const struct corpus_file *f, uint64_t from, uint64_t to,
                          struct error *e) {
    size_t length = (size_t)(to - from);
    char *room = NULL;
    buffer_clear(&s->raw);
    if (s->raw.capacity <= length && !mem_grow(&s->raw.data, &s->raw.capacity, length + 1, 1, e))
        return false;
    room = s->raw.data;
    if (!read_at(f, from, room, length, e))
        return false;
    room[length] = '\0';
    s->raw.length = length;
    return true;
}

static const struct corpus_file *file_of(const struct corpus *c, uint64_t block) {
    size_t low = 0, high = c->files;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (c->file[middle].first_block <= block)
            low = middle;
        else
            high = middle;
    }
    return &c->file[low];
}

static bool start_scan(struct scan *s, const struct corpus *c, const struct corpus_file *f,
                       unsigned char **page, struct error *e) {
    if (!*page && !(*page = mem_calloc(1, CORPUS_BLOCK, e)))
        return false;
    *s = (struct scan){.file = f, .page = *page, .breaks = c->layout == CORPUS_LINES ? 1 : 2, .e = e};
    return true;
}

bool corpus_shelf_add_block(struct corpus_shelf *s, const struct corpus *c, uint64_t block, struct error *e) {
    const struct corpus_file *f = file_of(c, block);
    uint64_t from = (block - f->first_block) * CORPUS_BLOCK, number = (uint64_t)(f - c->file);
    uint64_t to = f->size - from < CORPUS_BLOCK ? f->size : from + CORPUS_BLOCK;
    struct scan scan;
    if (!start_scan(&scan, c, f, &s->page, e) || !unchanged(f, e))
        return false;
    struct place here = first_in_block(&scan, from, to);
    while (!scan.failed && here.found && here.at < to) {
        struct place next = next_behind(&scan, here);
        if (scan.failed || !read_document(s, f, here.at, next.at, e) ||
            !add_document(s, c, number << 48 | here.at, here.cut || (next.found && next.cut), e))
            return false;
        here = next;
    }
    return !scan.failed;
}

// ---- opening ----

static bool open_file(struct corpus_file *f, const char *path, struct error *e) {
    struct stat st;
    f->path = mem_strdup(path, e);
    if (!f->path)
        return false;
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return error_system(e, "cannot read the corpus %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(e, ERROR_INPUT, "%s is no regular file; name text files", path);
    f->size = (uint64_t)st.st_size;
    f->changed = st.st_mtim;
    f->blocks = (f->size + CORPUS_BLOCK - 1) / CORPUS_BLOCK;
    if (f->size >> 48)
        return error_set(e, ERROR_INPUT, "%s is too large", path);
    return true;
}

static bool has_text(const struct corpus *c, const struct corpus_file *f, struct error *e) {
    struct scan s;
    unsigned char *page = NULL;
    if (!start_scan(&s, c, f, &page, e))
        return false;
    uint64_t at = 0;
    while (is_space(byte_at(&s, at)))
        at++;
    bool found = byte_at(&s, at) >= 0;
    free(page);
    return found || s.failed
               ? found
               : error_set(e, ERROR_INPUT,
                           "%s has no text in it; a corpus is UTF-8 text, a sentence a line, documents "
                           "separated by blank lines",
                           f->path);
}

static bool count_sentence(void *context, const char *text, size_t length) {
    (void)text;
    (void)length;
    ++*(size_t *)context;
    return true;
}

static enum corpus_layout guess(const char *text, size_t length) {
    size_t lines = 0, sentences = 0, blank = 0;
    for (size_t at = 0, n; at < length; at += n + 1) {
        const char *line = text + at, *end = memchr(line, '\n', length - at);
        size_t trimmed = n = end ? (size_t)(end - line) : length - at;
        sentence_trim(&line, &trimmed);
        blank += trimmed == 0 && lines > 0 && at + n + 1 < length;
        lines += trimmed > 0;
        if (trimmed)
            sentences_split(line, trimmed, count_sentence, &sentences);
    }
    if (!blank && lines > 1)
        return CORPUS_LINES;
    return 2 * sentences > 3 * lines ? CORPUS_PARAGRAPHS : CORPUS_SENTENCES;
}

static bool guess_layout(struct corpus *c, struct error *e) {
    const struct corpus_file *f = c->file;
    size_t length = f->size < GUESS_BYTES ? (size_t)f->size : GUESS_BYTES;
    char *text = mem_calloc(length + 1, 1, e);
    bool ok = text && read_at(f, 0, text, length, e);
    if (ok)
        c->layout = guess(text, length);
    free(text);
    return ok;
}

static bool mark_files(struct corpus *c, struct error *e) {
    enum { ENDS = 1 << 12 };
    char bytes[ENDS];
    c->fingerprint = hash_bytes(HASH_START, layout_names[c->layout], strlen(layout_names[c->layout]));
    for (size_t i = 0; i < c->files; i++) {
        const struct corpus_file *f = &c->file[i];
        size_t length = f->size < ENDS ? (size_t)f->size : ENDS;
        for (int end = 0; end < 2; end++) {
            if (!read_at(f, end ? f->size - length : 0, bytes, length, e))
                return false;
            c->fingerprint = corpus_mix(hash_bytes(c->fingerprint, bytes, length) ^ f->size);
        }
    }
    return true;
}

bool corpus_open(struct corpus **out, const char *const *paths, size_t files, enum corpus_layout layout,
                 struct error *e) {
    *out = NULL;
    if (!files || files > MOST_FILES)
        return error_set(e, ERROR_INPUT, "%zu corpus files are named; name 1 to %d", files, MOST_FILES);
    struct corpus *c = mem_calloc(1, sizeof *c, e);
    if (!c)
        return false;
    c->layout = layout;
    c->file = mem_calloc(files, sizeof *c->file, e);
    bool ok = c->file != NULL;
    for (size_t i = 0; ok && i < files; i++) {
        struct corpus_file *f = &c->file[c->files++];
        f->fd = -1;
        ok = open_file(f, paths[i], e) && has_text(c, f, e);
        f->first_block = c->blocks;
        c->blocks += f->blocks;
        c->bytes += f->size;
    }
    ok = ok && (layout != CORPUS_AUTO || guess_layout(c, e)) && mark_files(c, e);
    if (!ok) {
        corpus_close(c);
        return false;
    }
    *out = c;
    return true;
}

void corpus_close(struct corpus *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->files; i++) {
        if (c->file[i].fd >= 0)
            close(c->file[i].fd);
        free(c->file[i].path);
    }
    free(c->file);
    free(c);
}

enum corpus_layout corpus_layout_of(const struct corpus *c) {
    return c->layout;
}

uint64_t corpus_bytes(const struct corpus *c) {
    return c->bytes;
}

uint64_t corpus_blocks(const struct corpus *c) {
    return c->blocks;
}

uint64_t corpus_fingerprint(const struct corpus *c) {
    return c->fingerprint;
}
