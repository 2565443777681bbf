// SPDX-License-Identifier: GPL-3.0-or-later
// Reading: the header is parsed into one array sorted by place in the file (which is how holes and overlaps
// show) and an index sorted by name. Writing: the header is computed from the descriptions, then values
// stream through.
#include "safetensors.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "weights are used as they lie in little-endian files");

enum { MOST_HEADER = 100000000, PREFIX = 8 };
static const double MOST_SIZE = 9007199254740992.0; // 2^53: JSON numbers are exact up to there

struct safetensors {
    char *path;
    struct file_map map;
    cJSON *header; // owns the names
    struct safetensors_tensor *tensor;
    struct safetensors_tensor **by_name;
    size_t count;
};

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [SAFETENSORS_BOOL] = {"BOOL", 1},       [SAFETENSORS_U8] = {"U8", 1},
    [SAFETENSORS_I8] = {"I8", 1},           [SAFETENSORS_F8_E4M3] = {"F8_E4M3", 1},
    [SAFETENSORS_F8_E5M2] = {"F8_E5M2", 1}, [SAFETENSORS_U16] = {"U16", 2},
    [SAFETENSORS_I16] = {"I16", 2},         [SAFETENSORS_F16] = {"F16", 2},
    [SAFETENSORS_BF16] = {"BF16", 2},       [SAFETENSORS_U32] = {"U32", 4},
    [SAFETENSORS_I32] = {"I32", 4},         [SAFETENSORS_F32] = {"F32", 4},
    [SAFETENSORS_U64] = {"U64", 8},         [SAFETENSORS_I64] = {"I64", 8},
    [SAFETENSORS_F64] = {"F64", 8},
};
enum { TYPES = sizeof types / sizeof types[0] };

const char *safetensors_type_name(enum safetensors_type type) {
    return types[type].name;
}

bool safetensors_dtype(enum safetensors_type type, enum dtype *out) {
    if (type != SAFETENSORS_F32 && type != SAFETENSORS_F16 && type != SAFETENSORS_BF16)
        return false;
    *out = type == SAFETENSORS_F32 ? DTYPE_F32 : type == SAFETENSORS_F16 ? DTYPE_F16 : DTYPE_BF16;
    return true;
}

void safetensors_shape_text(const struct safetensors_tensor *t, char *out, size_t size) {
    struct buffer b = {0};
    buffer_add_char(&b, '[');
    for (size_t i = 0; i < t->dimensions; i++)
        buffer_printf(&b, i ? ", %zu" : "%zu", t->shape[i]);
    buffer_add_char(&b, ']');
    snprintf(out, size, "%s", b.failed ? "?" : b.data);
    buffer_free(&b);
}

// ---- the header ----

static bool whole_number(const cJSON *node, size_t *out) {
    if (!cJSON_IsNumber(node) || !(node->valuedouble >= 0 && node->valuedouble <= MOST_SIZE))
        return false;
    *out = (size_t)node->valuedouble;
    return (double)*out == node->valuedouble;
}

static bool read_type(const cJSON *entry, struct safetensors_tensor *t, struct error *e) {
    const char *name = NULL;
    if (!json_get_string(entry, "dtype", true, &name, e))
        return false;
    for (size_t i = 0; i < TYPES; i++) {
        if (strcmp(types[i].name, name) == 0) {
            t->type = (enum safetensors_type)i;
            return true;
        }
    }
    return error_set(e, ERROR_INPUT, "\"dtype\" is \"%s\", which is no type this program knows", name);
}

static bool read_shape(const cJSON *entry, struct safetensors_tensor *t, struct error *e) {
    const cJSON *shape = NULL, *side;
    if (!json_get_array(entry, "shape", true, &shape, e))
        return false;
    t->count = 1;
    cJSON_ArrayForEach(side, shape) {
        size_t n;
        if (!whole_number(side, &n))
            return error_set(e, ERROR_INPUT, "\"shape\" should be a list of whole numbers");
        if (t->dimensions == SAFETENSORS_MOST_DIMENSIONS)
            return error_set(e, ERROR_INPUT, "\"shape\" has more than %d dimensions",
                             SAFETENSORS_MOST_DIMENSIONS);
        t->shape[t->dimensions++] = n;
        if (!size_multiply(t->count, n, &t->count))
            return error_set(e, ERROR_INPUT, "\"shape\" has more elements than can be counted");
    }
    if (!size_multiply(t->count, types[t->type].size, &t->bytes))
        return error_set(e, ERROR_INPUT, "\"shape\" has more bytes than can be counted");
    return true;
}

static bool read_offsets(const cJSON *entry, struct safetensors_tensor *t, const unsigned char *start,
                         size_t length, struct error *e) {
    const cJSON *offsets = NULL;
    size_t begin, end;
    if (!json_get_array(entry, "data_offsets", true, &offsets, e))
        return false;
    if (cJSON_GetArraySize(offsets) != 2 || !whole_number(offsets->child, &begin) ||
        !whole_number(offsets->child->next, &end))
        return error_set(e, ERROR_INPUT, "\"data_offsets\" should be two whole numbers");
    if (begin > end)
        return error_set(e, ERROR_INPUT, "\"data_offsets\" ends (%zu) before it begins (%zu)", end, begin);
    if (end > length)
        return error_set(e, ERROR_INPUT,
                         "\"data_offsets\" ends at %zu, but the file has only %zu bytes of data: is it cut "
                         "short? download it again",
                         end, length);
    if (end - begin != t->bytes) {
        char shape[128];
        safetensors_shape_text(t, shape, sizeof shape);
        return error_set(e, ERROR_INPUT, "\"data_offsets\" gives it %zu bytes, but %s %s needs %zu",
                         end - begin, types[t->type].name, shape, t->bytes);
    }
    t->data = start + begin;
    return true;
}

static bool check_metadata(const cJSON *metadata, struct error *e) {
    if (!cJSON_IsObject(metadata))
        return error_set(e, ERROR_INPUT, "\"__metadata__\" should be an object, but is %s",
                         json_type_name(metadata));
    const cJSON *value;
    cJSON_ArrayForEach(value, metadata) {
        if (!cJSON_IsString(value))
            return error_set(e, ERROR_INPUT, "\"__metadata__\": \"%s\" should be a string, but is %s",
                             value->string, json_type_name(value));
    }
    return true;
}

static int compare_places(const void *a, const void *b) {
    const struct safetensors_tensor *x = a, *y = b;
    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes); // empty tensors before what starts there
}

static int compare_names(const void *a, const void *b) {
    return strcmp((*(struct safetensors_tensor *const *)a)->name,
                  (*(struct safetensors_tensor *const *)b)->name);
}

// Every byte of the data belongs to exactly one tensor.
static bool check_places(const struct safetensors *file, const unsigned char *start, size_t length,
                         struct error *e) {
    size_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensors_tensor *t = &file->tensor[i];
        size_t begin = (size_t)((const unsigned char *)t->data - start);
        if (begin != at)
            return error_set(e, ERROR_INPUT, "tensor \"%s\": its data begin at %zu, which %s (at %zu)",
                             t->name, begin, begin > at ? "leaves a hole after" : "overlaps", at);
        at += t->bytes;
    }
    if (at != length)
        return error_set(e, ERROR_INPUT, "%zu bytes follow the last tensor, where the file should end",
                         length - at);
    return true;
}

static bool read_tensors(struct safetensors *file, const unsigned char *start, size_t length,
                         struct error *e) {
    const cJSON *entry;
    size_t entries = 0;
    cJSON_ArrayForEach(entry, file->header) entries++;
    file->tensor = mem_calloc(entries, sizeof *file->tensor, e);
    file->by_name = mem_calloc(entries, sizeof *file->by_name, e);
    if (!file->tensor || !file->by_name)
        return false;
    cJSON_ArrayForEach(entry, file->header) {
        if (strcmp(entry->string, "__metadata__") == 0) {
            if (!check_metadata(entry, e))
                return false;
            continue;
        }
        struct safetensors_tensor *t = &file->tensor[file->count++];
        t->name = entry->string;
        if (!cJSON_IsObject(entry))
            return error_set(e, ERROR_INPUT, "tensor \"%s\" should be described by an object, but is %s",
                             t->name, json_type_name(entry));
        if (!read_type(entry, t, e) || !read_shape(entry, t, e) || !read_offsets(entry, t, start, length, e))
            return error_context(e, "tensor \"%s\"", t->name);
    }
    qsort(file->tensor, file->count, sizeof *file->tensor, compare_places);
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensor[i];
    qsort(file->by_name, file->count, sizeof *file->by_name, compare_names);
    return check_places(file, start, length, e);
}

static bool read_header(struct safetensors *file, struct error *e) {
    const struct file_map *map = &file->map;
    if (map->length < PREFIX)
        return error_set(e, ERROR_INPUT, "this is no safetensors file: it has only %zu bytes", map->length);
    uint64_t length;
    memcpy(&length, map->bytes, PREFIX);
    if (length > MOST_HEADER || length > map->length - PREFIX)
        return error_set(
            e, ERROR_INPUT,
            "this is no safetensors file, or it is cut short: its header would have %llu bytes, of "
            "%zu in the file (at most %d are allowed)",
            (unsigned long long)length, map->length, MOST_HEADER);
    file->header = json_parse((const char *)map->bytes + PREFIX, (size_t)length, e);
    if (!file->header)
        return error_context(e, "header");
    if (!cJSON_IsObject(file->header))
        return error_set(e, ERROR_INPUT, "header: it should hold an object, but holds %s",
                         json_type_name(file->header));
    return read_tensors(file, map->bytes + PREFIX + length, map->length - PREFIX - (size_t)length, e);
}

bool safetensors_open(struct safetensors **out, const char *path, struct error *e) {
    *out = NULL;
    struct safetensors *file = mem_calloc(1, sizeof *file, e);
    if (!file)
        return false;
    file->path = mem_strdup(path, e);
    bool ok = file->path && file_map_open(&file->map, path, e);
    if (ok && !read_header(file, e))
        ok = error_context(e, "%s", path);
    if (ok)
        *out = file;
    else
        safetensors_close(file);
    return ok;
}

void safetensors_close(struct safetensors *file) {
    if (!file)
        return;
    free(file->by_name);
    free(file->tensor);
    cJSON_Delete(file->header);
    file_map_close(&file->map);
    free(file->path);
    free(file);
}

const char *safetensors_path(const struct safetensors *file) {
    return file->path;
}

size_t safetensors_count(const struct safetensors *file) {
    return file->count;
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t i) {
    return &file->tensor[i];
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name) {
    size_t low = 0, high = file->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(file->by_name[middle]->name, name);
        if (order == 0)
            return file->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key) {
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(file->header, "__metadata__");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, key));
}

// ---- values ----

static bool wrong_type(const struct safetensors_tensor *t, const char *wanted, struct error *e) {
    return error_set(e, ERROR_INPUT, "tensor \"%s\" is of type %s; %s is needed", t->name,
                     types[t->type].name, wanted);
}

bool safetensors_read_floats(const struct safetensors_tensor *t, float *out, struct error *e) {
    enum { CHUNK = 512 };
    double aligned[CHUNK]; // whatever the alignment in the file
    enum dtype type = DTYPE_F32;
    if (!safetensors_dtype(t->type, &type) && t->type != SAFETENSORS_F64)
        return wrong_type(t, "F32, F16, BF16 or F64", e);
    size_t size = types[t->type].size;
    for (size_t i = 0; i < t->count; i += CHUNK) {
        size_t n = t->count - i < CHUNK ? t->count - i : CHUNK;
        memcpy(aligned, (const char *)t->data + i * size, n * size);
        if (t->type != SAFETENSORS_F64) {
            dtype_to_float(type, aligned, out + i, n);
            continue;
        }
        for (size_t j = 0; j < n; j++)
            out[i + j] = (float)aligned[j];
    }
    return true;
}

// One element of any type but the 8-bit floats.
static double read_double(enum safetensors_type type, const unsigned char *at) {
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } x = {0};
    memcpy(&x, at, types[type].size);
    float f;
    switch (type) {
    case SAFETENSORS_BOOL:
    case SAFETENSORS_U8:
        return x.u8;
    case SAFETENSORS_I8:
        return x.i8;
    case SAFETENSORS_U16:
        return x.u16;
    case SAFETENSORS_I16:
        return x.i16;
    case SAFETENSORS_U32:
        return x.u32;
    case SAFETENSORS_I32:
        return x.i32;
    case SAFETENSORS_U64:
        return (double)x.u64;
    case SAFETENSORS_I64:
        return (double)x.i64;
    case SAFETENSORS_F32:
        return (double)x.f32;
    case SAFETENSORS_F16:
        dtype_to_float(DTYPE_F16, &x, &f, 1);
        return (double)f;
    case SAFETENSORS_BF16:
        dtype_to_float(DTYPE_BF16, &x, &f, 1);
        return (double)f;
    default:
        return x.f64;
    }
}

bool safetensors_read_doubles(const struct safetensors_tensor *t, double *out, struct error *e) {
    if (t->type == SAFETENSORS_F8_E4M3 || t->type == SAFETENSORS_F8_E5M2)
        return wrong_type(t, "F64, F32, F16, BF16 or an integer type", e);
    for (size_t i = 0; i < t->count; i++)
        out[i] = read_double(t->type, (const unsigned char *)t->data + i * types[t->type].size);
    return true;
}

bool safetensors_read_int32(const struct safetensors_tensor *t, int32_t *out, struct error *e) {
    if (t->type != SAFETENSORS_I32)
        return wrong_type(t, "I32", e);
    if (t->bytes)
        memcpy(out, t->data, t->bytes);
    return true;
}

// ---- writing ----

struct safetensors_writer {
    struct file_writer file;
    struct { // what is still to come, tensor by tensor
        enum dtype type;
        size_t count;
    } * item;
    size_t items, at; // at: the item that the next value belongs to
    size_t done;      // values it has already
};

static bool no_header(struct error *e) {
    return error_set(e, ERROR_MEMORY, "no memory for the header");
}

static bool add_to_list(cJSON *list, double x) {
    cJSON *number = list ? cJSON_CreateNumber(x) : NULL;
    bool ok = number && cJSON_AddItemToArray(list, number);
    if (!ok)
        cJSON_Delete(number);
    return ok;
}

static bool add_offsets(cJSON *entry, const struct safetensors_item *item, size_t begin, size_t *end,
                        size_t *count, struct error *e) {
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    size_t bytes;
    *count = 1;
    for (size_t i = 0; i < item->dimensions; i++) {
        if (!size_multiply(*count, item->shape[i], count))
            return error_set(e, ERROR_MEMORY, "tensor \"%s\" is too large", item->name);
        if (!add_to_list(shape, (double)item->shape[i]))
            return no_header(e);
    }
    if (!size_multiply(*count, dtype_size(item->type), &bytes) || (double)bytes > MOST_SIZE ||
        (double)begin + (double)bytes > MOST_SIZE)
        return error_set(e, ERROR_MEMORY, "tensor \"%s\" is too large", item->name);
    *end = begin + bytes;
    cJSON *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
    return (shape && add_to_list(offsets, (double)begin) && add_to_list(offsets, (double)*end)) ||
           no_header(e);
}

static bool add_metadata(cJSON *root, const struct safetensors_pair *metadata, size_t count,
                         struct error *e) {
    cJSON *object = count ? cJSON_AddObjectToObject(root, "__metadata__") : NULL;
    bool ok = object || !count;
    for (size_t i = 0; ok && i < count; i++)
        ok = cJSON_AddStringToObject(object, metadata[i].key, metadata[i].value) != NULL;
    return ok || no_header(e);
}

static bool add_entry(cJSON *root, struct safetensors_writer *w, const struct safetensors_item *item,
                      size_t at, size_t *end, struct error *e) {
    assert(item->dimensions <= SAFETENSORS_MOST_DIMENSIONS);
    cJSON *entry = cJSON_AddObjectToObject(root, item->name);
    w->item[at].type = item->type;
    if (!entry || !cJSON_AddStringToObject(entry, "dtype", dtype_name(item->type)))
        return no_header(e);
    return add_offsets(entry, item, *end, end, &w->item[at].count, e);
}

static cJSON *build_header(struct safetensors_writer *w, const struct safetensors_item *items,
                           const struct safetensors_pair *metadata, size_t pair_count, struct error *e) {
    cJSON *root = cJSON_CreateObject();
    bool ok = root ? add_metadata(root, metadata, pair_count, e) : no_header(e);
    size_t end = 0;
    for (size_t i = 0; ok && i < w->items; i++)
        ok = add_entry(root, w, &items[i], i, &end, e);
    if (ok)
        return root;
    cJSON_Delete(root);
    return NULL;
}

static bool print_header(struct buffer *b, const cJSON *header, struct error *e) {
    char *text = json_print(header, false, e);
    if (!text)
        return false;
    size_t length = strlen(text), padded = (length + 7) / 8 * 8; // so that the data are aligned
    uint64_t stored = padded;
    buffer_add(b, &stored, sizeof stored);
    buffer_add(b, text, length);
    while (length++ < padded)
        buffer_add_char(b, ' ');
    free(text);
    if (padded > MOST_HEADER)
        return error_set(e, ERROR_MEMORY, "too many tensors for one safetensors file");
    return buffer_ok(b, e);
}

static bool write_header(struct safetensors_writer *w, const cJSON *header, struct error *e) {
    struct buffer b = {0};
    bool ok = print_header(&b, header, e) && file_writer_add(&w->file, b.data, b.length, e);
    buffer_free(&b);
    return ok;
}

bool safetensors_writer_open(struct safetensors_writer **out, const char *path,
                             const struct safetensors_item *items, size_t item_count,
                             const struct safetensors_pair *metadata, size_t pair_count, struct error *e) {
    *out = NULL;
    struct safetensors_writer *w = mem_calloc(1, sizeof *w, e);
    if (!w)
        return false;
    cJSON *header = NULL;
    w->items = item_count;
    w->item = mem_calloc(item_count, sizeof *w->item, e);
    if (w->item)
        header = build_header(w, items, metadata, pair_count, e);
    bool ok = header && file_writer_open(&w->file, path, e) && write_header(w, header, e);
    cJSON_Delete(header);
    if (ok)
        *out = w;
    else
        safetensors_writer_close(w);
    return ok;
}

bool safetensors_writer_add(struct safetensors_writer *w, const float *values, size_t count,
                            struct error *e) {
    enum { CHUNK = 4096 };
    float piece[CHUNK]; // large enough for any of the types
    while (count) {
        while (w->at < w->items && w->done == w->item[w->at].count) {
            w->at++;
            w->done = 0;
        }
        assert(w->at < w->items && "more values than were described");
        size_t n = w->item[w->at].count - w->done;
        n = n < count ? n : count;
        const void *bytes = values; // F32 is written as it is
        if (w->item[w->at].type != DTYPE_F32) {
            n = n < CHUNK ? n : CHUNK;
            dtype_from_float(w->item[w->at].type, values, piece, n);
            bytes = piece;
        }
        if (!file_writer_add(&w->file, bytes, n * dtype_size(w->item[w->at].type), e))
            return false;
        w->done += n;
        values += n;
        count -= n;
    }
    return true;
}

bool safetensors_writer_finish(struct safetensors_writer *w, struct error *e) {
    while (w->at < w->items && w->done == w->item[w->at].count) {
        w->at++;
        w->done = 0;
    }
    assert(w->at == w->items && "fewer values than were described");
    return file_writer_commit(&w->file, e);
}

void safetensors_writer_close(struct safetensors_writer *w) {
    if (!w)
        return;
    file_writer_close(&w->file);
    free(w->item);
    free(w);
}

bool safetensors_write(const char *path, const struct safetensors_item *items, size_t item_count,
                       const struct safetensors_pair *metadata, size_t pair_count, struct error *e) {
    struct safetensors_writer *w;
    bool ok = safetensors_writer_open(&w, path, items, item_count, metadata, pair_count, e);
    for (size_t i = 0; ok && i < item_count; i++)
        ok = safetensors_writer_add(w, items[i].values, w->item[i].count, e);
    ok = ok && safetensors_writer_finish(w, e);
    safetensors_writer_close(w);
    return ok;
}

bool safetensors_print(struct buffer *out, const struct safetensors_item *items, size_t item_count,
                       const struct safetensors_pair *metadata, size_t pair_count, struct error *e) {
    struct safetensors_writer w = {.items = item_count};
    size_t before = out->length;
    w.item = mem_calloc(item_count, sizeof *w.item, e);
    cJSON *header = w.item ? build_header(&w, items, metadata, pair_count, e) : NULL;
    bool ok = header && print_header(out, header, e);
    for (size_t i = 0; ok && i < item_count; i++) {
        assert(items[i].type == DTYPE_F32);
        buffer_add(out, items[i].values, w.item[i].count * sizeof *items[i].values);
        ok = buffer_ok(out, e);
    }
    if (!ok)
        out->length = before;
    cJSON_Delete(header);
    free(w.item);
    return ok;
}
