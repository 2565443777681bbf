// SPDX-License-Identifier: GPL-3.0-or-later
// From the pickle's values to tensors: every reference names a storage (a key, a type, a number of elements);
// the file's form says where the storages lie; then the walk through the dicts makes a tensor of every call
// of a rebuild function. The functions' arguments are those of torch/_utils.py.
#include "torch_file.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "pickle.h"
#include "zip_map.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are used as they lie in the file");

enum { MOST_DEPTH = 16, MOST_VISITS = 1 << 24, MOST_NAME = 400, MOST_NAMES_BYTES = 64 << 20 };

// The names that a file may ask for. Storages first: their place is that of their type below.
enum { STORAGES = 10, REBUILD_TENSOR = STORAGES, REBUILD_TENSOR_OLD, REBUILD_PARAMETER };
static const char *const globals[] = {"torch.FloatStorage",
                                      "torch.HalfStorage",
                                      "torch.BFloat16Storage",
                                      "torch.DoubleStorage",
                                      "torch.LongStorage",
                                      "torch.IntStorage",
                                      "torch.ShortStorage",
                                      "torch.CharStorage",
                                      "torch.ByteStorage",
                                      "torch.BoolStorage",
                                      "torch._utils._rebuild_tensor_v2",
                                      "torch._utils._rebuild_tensor",
                                      "torch._utils._rebuild_parameter",
                                      "torch.Size",
                                      "collections.OrderedDict",
                                      NULL};
static const struct {
    enum safetensors_type type;
    size_t size;
} element[STORAGES] = {{SAFETENSORS_F32, 4}, {SAFETENSORS_F16, 2}, {SAFETENSORS_BF16, 2},
                       {SAFETENSORS_F64, 8}, {SAFETENSORS_I64, 8}, {SAFETENSORS_I32, 4},
                       {SAFETENSORS_I16, 2}, {SAFETENSORS_I8, 1},  {SAFETENSORS_U8, 1},
                       {SAFETENSORS_BOOL, 1}};

struct storage {
    const char *key; // not NUL-terminated; in the mapping
    size_t key_length;
    size_t kind;               // in `element`
    size_t count;              // elements
    const unsigned char *data; // NULL: not found yet
};

struct torch_file {
    struct file_map map;
    struct safetensors_tensor *tensor; // sorted by name
    size_t count, capacity;
    void **copy; // of tensors that were not contiguous
    size_t copies, copy_capacity, copy_bytes;
};

// What is needed while a file is opened.
struct opening {
    struct torch_file *file;
    struct pickle *pickle;
    struct zip_map zip;
    struct storage *storage; // sorted by key
    size_t storages;
    size_t visits, name_bytes;
    struct buffer name; // of the value that the walk is at
};

// ---- storages ----

static int compare_keys(const void *a, const void *b) {
    const struct storage *x = a, *y = b;
    size_t least = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(x->key, y->key, least);
    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static struct storage *find_storage(const struct opening *o, const struct pickle_value *key) {
    struct storage wanted = {.key = key->text.bytes, .key_length = key->text.length};
    return o->storages ? bsearch(&wanted, o->storage, o->storages, sizeof wanted, compare_keys) : NULL;
}

static bool unknown_form(const char *what, struct error *e) {
    return error_set(e, ERROR_INPUT,
                     "%s is described in a way that is not known: was the file made by torch.save? where "
                     "PyTorch is installed, load it and save its tensors again",
                     what);
}

// A persistent id: ("storage", type, key, place, elements) and, before 1.6, a view of another or None.
static bool read_reference(struct storage *s, const struct pickle_value *reference, struct error *e) {
    const struct pickle_value *id = reference->item[0];
    if (id->kind != PICKLE_TUPLE || id->count < 5 || id->count > 6 ||
        !pickle_is_text(id->item[0], "storage") || id->item[1]->kind != PICKLE_GLOBAL ||
        id->item[2]->kind != PICKLE_TEXT || id->item[4]->kind != PICKLE_INTEGER)
        return unknown_form("a storage", e);
    size_t bytes;
    if (id->item[1]->integer >= STORAGES || id->item[4]->integer < 0 ||
        (id->count == 6 && id->item[5]->kind != PICKLE_NONE))
        return unknown_form("a storage", e);
    *s = (struct storage){.key = id->item[2]->text.bytes,
                          .key_length = id->item[2]->text.length,
                          .kind = (size_t)id->item[1]->integer,
                          .count = (size_t)id->item[4]->integer};
    return size_multiply(s->count, element[s->kind].size, &bytes) ||
           error_set(e, ERROR_INPUT, "a storage has more bytes than can be counted");
}

// The storages that the pickle speaks of, each once.
static bool list_storages(struct opening *o, struct error *e) {
    size_t references = pickle_references(o->pickle), kept = 0;
    o->storage = mem_calloc(references, sizeof *o->storage, e);
    if (!o->storage)
        return false;
    for (size_t i = 0; i < references; i++)
        if (!read_reference(&o->storage[i], pickle_reference(o->pickle, i), e))
            return false;
    qsort(o->storage, references, sizeof *o->storage, compare_keys);
    for (size_t i = 0; i < references; i++) {
        const struct storage *s = &o->storage[i], *before = kept ? &o->storage[kept - 1] : NULL;
        if (!before || compare_keys(before, s) != 0)
            o->storage[kept++] = *s;
        else if (before->kind != s->kind || before->count != s->count)
            return unknown_form("a storage", e);
    }
    o->storages = kept;
    return true;
}

static bool read_pickle(struct opening *o, const unsigned char *bytes, size_t length, size_t *used,
                        struct error *e) {
    return pickle_read(&o->pickle, bytes, length, used, globals, e) && list_storages(o, e);
}

// ---- the zip form: FOLDER/data.pkl, FOLDER/byteorder, FOLDER/data/KEY ----

static const char big_endian[] =
    "it was written on a big-endian machine, whose numbers are not read here: where "
    "PyTorch is installed, load it and save it again";

static bool no_torch_zip(struct error *e) {
    return error_set(e, ERROR_INPUT,
                     "this is a zip file, but none of torch.save: it should hold one folder with data.pkl");
}

// The folder's name with its slash.
static bool find_folder(const struct zip_map *zip, struct buffer *folder, struct error *e) {
    static const char pickle[] = "/data.pkl";
    enum { N = sizeof pickle - 1 };
    for (size_t i = 0; i < zip->count; i++) {
        const struct zip_entry *f = &zip->entry[i];
        if (f->name_length <= N || memcmp(f->name + f->name_length - N, pickle, N) != 0 ||
            memchr(f->name, '/', f->name_length - N))
            continue;
        if (folder->length)
            return no_torch_zip(e);
        buffer_add(folder, f->name, f->name_length - N + 1);
    }
    return folder->failed ? buffer_ok(folder, e) : folder->length > 0 || no_torch_zip(e);
}

// A file of the folder, of the name that two parts make. Where there is none, *out is NULL.
static bool find_file(const struct zip_entry **out, const struct zip_map *zip, const struct buffer *folder,
                      const char *part, const char *name, size_t name_length, struct error *e) {
    struct buffer path = {0};
    buffer_add(&path, folder->data, folder->length);
    buffer_add_text(&path, part);
    buffer_add(&path, name, name_length);
    bool ok = buffer_ok(&path, e);
    *out = ok ? zip_map_find(zip, path.data, path.length) : NULL;
    if (*out && !(*out)->bytes)
        ok = error_set(e, ERROR_INPUT,
                       "%.200s in it is compressed or encrypted, which PyTorch never does: was it packed by "
                       "another program? unpack that one first",
                       path.data);
    buffer_free(&path);
    return ok;
}

static bool place_in_zip(struct opening *o, const struct buffer *folder, struct error *e) {
    for (size_t i = 0; i < o->storages; i++) {
        struct storage *s = &o->storage[i];
        const struct zip_entry *f;
        int shown = s->key_length < 100 ? (int)s->key_length : 100;
        if (!find_file(&f, &o->zip, folder, "data/", s->key, s->key_length, e))
            return false;
        if (!f)
            return error_set(e, ERROR_INPUT, "data/%.*s is missing in it: download or copy the file again",
                             shown, s->key);
        size_t needed = s->count * element[s->kind].size;
        if (f->length < needed)
            return error_set(e, ERROR_INPUT, "data/%.*s in it has %zu bytes where %zu are needed", shown,
                             s->key, f->length, needed);
        s->data = f->bytes;
    }
    return true;
}

// What has to be said of the folder before its pickle is read.
static bool check_folder(const struct zip_map *zip, const struct buffer *folder, struct error *e) {
    const struct zip_entry *order, *constants;
    if (!find_file(&order, zip, folder, "byteorder", "", 0, e) ||
        !find_file(&constants, zip, folder, "constants.pkl", "", 0, e))
        return false;
    if (constants)
        return error_set(
            e, ERROR_INPUT,
            "this is a TorchScript program (torch.jit.save), not a file of tensors: where PyTorch "
            "is installed, load it with torch.jit.load and save its state_dict()");
    return !order || (order->length == 6 && memcmp(order->bytes, "little", 6) == 0) ||
           error_set(e, ERROR_INPUT, "%s", big_endian);
}

static bool open_zip(struct opening *o, struct error *e) {
    struct buffer folder = {0};
    const struct zip_entry *pickle = NULL;
    bool ok = zip_map_read(&o->zip, o->file->map.bytes, o->file->map.length, e) &&
              find_folder(&o->zip, &folder, e) && check_folder(&o->zip, &folder, e) &&
              find_file(&pickle, &o->zip, &folder, "data.pkl", "", 0, e);
    if (ok && !read_pickle(o, pickle->bytes, pickle->length, NULL, e))
        ok = error_context(e, "data.pkl");
    ok = ok && place_in_zip(o, &folder, e);
    buffer_free(&folder);
    return ok;
}

// ---- the form before 1.6: magic number, version, machine, values, keys; then count and bytes of each key
// ----

static bool is_magic(const struct pickle_value *v) {
    static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return v->kind == PICKLE_LARGE && v->text.length == sizeof magic &&
           memcmp(v->text.bytes, magic, sizeof magic) == 0;
}

static bool is_version(const struct pickle_value *v) {
    return v->kind == PICKLE_INTEGER && v->integer == 1001;
}

static bool is_little_endian(const struct pickle_value *v) {
    for (size_t i = 0; v->kind == PICKLE_DICT && i < v->count; i += 2)
        if (pickle_is_text(v->item[i], "little_endian"))
            return v->item[i + 1]->kind == PICKLE_BOOL && v->item[i + 1]->integer;
    return false;
}

static bool read_preamble(const struct file_map *map, size_t *at, struct error *e) {
    static bool (*const as_expected[])(const struct pickle_value *) = {is_magic, is_version,
                                                                       is_little_endian};
    static const char *const otherwise[] = {
        "this is a pickle, but none of torch.save: where PyTorch is installed, save its tensors with "
        "torch.save",
        "it is of a version of torch.save that is not known: where PyTorch is installed, load it and save it "
        "again",
        big_endian};
    static const char *const no_globals[] = {NULL};
    for (size_t i = 0; i < 3; i++) {
        struct pickle *p;
        size_t used;
        if (!pickle_read(&p, map->bytes + *at, map->length - *at, &used, no_globals, e))
            return i == 0 ? error_set(e, ERROR_INPUT, "%s", otherwise[0]) : false;
        bool ok = as_expected[i](pickle_root(p));
        pickle_free(p);
        if (!ok)
            return error_set(e, ERROR_INPUT, "%s", otherwise[i]);
        *at += used;
    }
    return true;
}

// The storages lie one after the other in the order of the list of keys.
static bool place_in_row(struct opening *o, const struct pickle_value *keys, size_t at, struct error *e) {
    const struct file_map *map = &o->file->map;
    if (keys->kind != PICKLE_LIST)
        return unknown_form("the list of storages", e);
    for (size_t i = 0; i < keys->count; i++) {
        struct storage *s = keys->item[i]->kind == PICKLE_TEXT ? find_storage(o, keys->item[i]) : NULL;
        uint64_t count;
        if (!s)
            return unknown_form("the list of storages", e);
        if (map->length - at < sizeof count)
            return error_set(e, ERROR_INPUT, "it ends before its last tensor: download or copy it again");
        memcpy(&count, map->bytes + at, sizeof count);
        at += sizeof count;
        size_t bytes = s->count * element[s->kind].size;
        if (count != s->count)
            return unknown_form("a storage", e);
        if (bytes > map->length - at)
            return error_set(e, ERROR_INPUT, "it ends before its last tensor: download or copy it again");
        s->data = map->bytes + at;
        at += bytes;
    }
    for (size_t i = 0; i < o->storages; i++)
        if (!o->storage[i].data)
            return unknown_form("the list of storages", e);
    return true;
}

static bool open_row(struct opening *o, struct error *e) {
    const struct file_map *map = &o->file->map;
    static const char *const no_globals[] = {NULL};
    struct pickle *keys = NULL;
    size_t at = 0, used;
    bool ok = read_preamble(map, &at, e) && read_pickle(o, map->bytes + at, map->length - at, &used, e);
    if (ok) {
        at += used;
        ok = pickle_read(&keys, map->bytes + at, map->length - at, &used, no_globals, e) &&
             place_in_row(o, pickle_root(keys), at + used, e);
    }
    pickle_free(keys);
    return ok;
}

// ---- tensors ----

// A tuple of whole numbers from 0 on, as a shape or strides.
static bool read_sizes(const struct pickle_value *v, size_t *out, size_t *count, struct error *e) {
    if (v->kind == PICKLE_CALL) // torch.Size((...))
        v = v->item[1]->count == 1 ? v->item[1]->item[0] : v;
    if (v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST)
        return unknown_form("its shape", e);
    if (v->count > SAFETENSORS_MOST_DIMENSIONS)
        return error_set(e, ERROR_INPUT, "it has %zu dimensions; %d are the most", v->count,
                         SAFETENSORS_MOST_DIMENSIONS);
    for (size_t i = 0; i < v->count; i++) {
        if (v->item[i]->kind != PICKLE_INTEGER || v->item[i]->integer < 0)
            return unknown_form("its shape", e);
        out[i] = (size_t)v->item[i]->integer;
    }
    *count = v->count;
    return true;
}

struct layout {
    size_t offset; // in elements
    size_t stride[SAFETENSORS_MOST_DIMENSIONS];
    bool contiguous;
};

// Whether the farthest element lies inside the storage, and whether the elements lie in order.
static bool check_layout(struct layout *l, const struct safetensors_tensor *t, const struct storage *s,
                         struct error *e) {
    size_t last = l->offset, step, in_order = 1;
    l->contiguous = true;
    if (t->count == 0)
        return l->offset <= s->count || unknown_form("its place", e);
    bool fits = true;
    for (size_t i = t->dimensions; i-- > 0;) {
        fits = fits && size_multiply(t->shape[i] - 1, l->stride[i], &step) &&
               !__builtin_add_overflow(last, step, &last);
        l->contiguous = l->contiguous && (t->shape[i] == 1 || l->stride[i] == in_order);
        in_order *= t->shape[i]; // at most t->count
    }
    if (!fits || last >= s->count)
        return error_set(e, ERROR_INPUT, "its shape and strides lead beyond its %zu stored elements",
                         s->count);
    if (t->count > s->count)
        return error_set(e, ERROR_INPUT,
                         "it repeats its %zu stored elements (an expanded view): where PyTorch is installed, "
                         "save it as .clone()",
                         s->count);
    return true;
}

// The elements in order of their rows. The sum of all copies is bounded by the file.
static bool copy_in_order(struct torch_file *f, struct safetensors_tensor *t, const struct layout *l,
                          const unsigned char *data, size_t size, struct error *e) {
    if (t->bytes > f->map.length - f->copy_bytes)
        return error_set(e, ERROR_INPUT,
                         "too many tensors of it are views of the same numbers: where PyTorch is installed, "
                         "save them as .contiguous().clone()");
    if (!mem_grow(&f->copy, &f->copy_capacity, f->copies + 1, sizeof *f->copy, e))
        return false;
    unsigned char *copy = mem_calloc_aligned(t->bytes, 1, e);
    if (!copy)
        return false;
    f->copy[f->copies++] = copy;
    f->copy_bytes += t->bytes;
    t->data = copy;
    size_t index[SAFETENSORS_MOST_DIMENSIONS] = {0}, at = 0;
    for (size_t i = 0; i < t->count; i++) {
        memcpy(copy + i * size, data + at * size, size);
        for (size_t d = t->dimensions; d-- > 0;) {
            at += l->stride[d];
            if (++index[d] < t->shape[d])
                break;
            at -= l->stride[d] * t->shape[d];
            index[d] = 0;
        }
    }
    return true;
}

static bool make_tensor(struct opening *o, struct safetensors_tensor *t, const struct pickle_value *arguments,
                        struct error *e) {
    struct layout l = {0};
    size_t strides;
    if (arguments->count < 4 || arguments->item[0]->kind != PICKLE_REFERENCE ||
        arguments->item[1]->kind != PICKLE_INTEGER || arguments->item[1]->integer < 0)
        return unknown_form("it", e);
    const struct storage *s = find_storage(o, arguments->item[0]->item[0]->item[2]);
    l.offset = (size_t)arguments->item[1]->integer;
    if (!s || !read_sizes(arguments->item[2], t->shape, &t->dimensions, e) ||
        !read_sizes(arguments->item[3], l.stride, &strides, e))
        return s ? false : unknown_form("its storage", e);
    if (strides != t->dimensions)
        return unknown_form("its shape", e);
    t->type = element[s->kind].type;
    t->count = 1;
    for (size_t i = 0; i < t->dimensions; i++)
        if (!size_multiply(t->count, t->shape[i], &t->count))
            return error_set(e, ERROR_INPUT, "it has more elements than can be counted");
    if (!check_layout(&l, t, s, e)) // after which the bytes can be counted: they lie in the file
        return false;
    t->bytes = t->count * element[s->kind].size;
    const unsigned char *data = s->data + l.offset * element[s->kind].size;
    t->data = data;
    return l.contiguous || copy_in_order(o->file, t, &l, data, element[s->kind].size, e);
}

static bool add_tensor(struct opening *o, const struct pickle_value *arguments, struct error *e) {
    struct torch_file *f = o->file;
    const char *name = o->name.length ? o->name.data : "tensor";
    if (!mem_grow(&f->tensor, &f->capacity, f->count + 1, sizeof *f->tensor, e))
        return false;
    struct safetensors_tensor *t = &f->tensor[f->count];
    *t = (struct safetensors_tensor){.name = mem_strdup(name, e)};
    if (!t->name)
        return false;
    f->count++;
    o->name_bytes += strlen(name) + 1;
    if (o->name_bytes > MOST_NAMES_BYTES)
        return error_set(e, ERROR_INPUT, "the names of its tensors are too long");
    return make_tensor(o, t, arguments, e) || error_context(e, "tensor \"%s\"", name);
}

// ---- the walk ----

static bool walk(struct opening *o, const struct pickle_value *v, size_t depth, struct error *e);

static bool add_key(struct buffer *name, const struct pickle_value *key, size_t place, struct error *e) {
    if (name->length)
        buffer_add_char(name, '.');
    if (!key)
        buffer_printf(name, "%zu", place);
    else if (key->kind == PICKLE_INTEGER)
        buffer_printf(name, "%lld", (long long)key->integer);
    else if (key->kind == PICKLE_TEXT && !memchr(key->text.bytes, 0, key->text.length))
        buffer_add(name, key->text.bytes, key->text.length <= MOST_NAME ? key->text.length : MOST_NAME + 1);
    else
        return error_set(e, ERROR_INPUT, "the keys of its dicts should be texts or whole numbers");
    if (name->length > MOST_NAME)
        return error_set(e, ERROR_INPUT, "the name of a tensor is longer than %d characters", MOST_NAME);
    return buffer_ok(name, e);
}

// `step` 2: keys and values, 1: values.
static bool walk_items(struct opening *o, const struct pickle_value *v, size_t step, size_t depth,
                       struct error *e) {
    o->visits += v->count;
    for (size_t i = 0; i < v->count; i += step) {
        const struct pickle_value *value = v->item[i + step - 1];
        if (value->kind != PICKLE_DICT && value->kind != PICKLE_LIST && value->kind != PICKLE_TUPLE &&
            value->kind != PICKLE_CALL)
            continue;
        size_t length = o->name.length;
        if (!add_key(&o->name, step == 2 ? v->item[i] : NULL, i, e) || !walk(o, value, depth + 1, e))
            return false;
        o->name.length = length;
        o->name.data[length] = '\0';
    }
    return true;
}

static bool walk(struct opening *o, const struct pickle_value *v, size_t depth, struct error *e) {
    if (depth > MOST_DEPTH || ++o->visits > MOST_VISITS)
        return error_set(e, ERROR_INPUT, "its dicts and lists hold each other too deep or too often");
    if (v->kind == PICKLE_DICT)
        return walk_items(o, v, 2, depth, e);
    if (v->kind == PICKLE_LIST || v->kind == PICKLE_TUPLE)
        return walk_items(o, v, 1, depth, e);
    if (v->kind != PICKLE_CALL)
        return true;
    int64_t function = v->item[0]->integer;
    const struct pickle_value *arguments = v->item[1];
    if (function == REBUILD_TENSOR || function == REBUILD_TENSOR_OLD)
        return add_tensor(o, arguments, e);
    if (function != REBUILD_PARAMETER)
        return true;
    return arguments->count ? walk(o, arguments->item[0], depth + 1, e) : unknown_form("a parameter", e);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct safetensors_tensor *)a)->name, ((const struct safetensors_tensor *)b)->name);
}

static bool collect(struct opening *o, struct error *e) {
    struct torch_file *f = o->file;
    if (!walk(o, pickle_root(o->pickle), 0, e))
        return false;
    if (!f->count)
        return error_set(e, ERROR_INPUT, "there is no tensor in it: it holds %s",
                         pickle_kind_name(pickle_root(o->pickle)->kind));
    qsort(f->tensor, f->count, sizeof *f->tensor, compare_names);
    for (size_t i = 1; i < f->count; i++)
        if (strcmp(f->tensor[i - 1].name, f->tensor[i].name) == 0)
            return error_set(e, ERROR_INPUT, "two tensors in it have the name \"%s\"", f->tensor[i].name);
    return true;
}

// ---- the file ----

static bool open_any(struct opening *o, struct error *e) {
    const struct file_map *map = &o->file->map;
    static const char lfs[] = "version https://git-lfs";
    if (zip_map_probe(map->bytes, map->length))
        return open_zip(o, e);
    if (map->length && map->bytes[0] == 0x80)
        return open_row(o, e);
    if (map->length >= sizeof lfs - 1 && memcmp(map->bytes, lfs, sizeof lfs - 1) == 0)
        return error_set(e, ERROR_INPUT,
                         "this is a pointer of Git LFS, not the file itself: fetch it with \"git lfs pull\"");
    return error_set(e, ERROR_INPUT,
                     "this is no file of torch.save (it begins neither as a zip file nor as a pickle)");
}

bool torch_file_open(struct torch_file **out, const char *path, struct error *e) {
    *out = NULL;
    struct opening o = {.file = mem_calloc(1, sizeof *o.file, e)};
    if (!o.file)
        return false;
    bool ok = file_map_open(&o.file->map, path, e);
    if (ok && !(open_any(&o, e) && collect(&o, e)))
        ok = error_context(e, "%s", path);
    pickle_free(o.pickle);
    zip_map_free(&o.zip);
    free(o.storage);
    buffer_free(&o.name);
    if (ok)
        *out = o.file;
    else
        torch_file_close(o.file);
    return ok;
}

void torch_file_close(struct torch_file *file) {
    if (!file)
        return;
    for (size_t i = 0; i < file->count; i++)
        free((char *)(uintptr_t)file->tensor[i].name);
    for (size_t i = 0; i < file->copies; i++)
        free(file->copy[i]);
    free(file->tensor);
    free(file->copy);
    file_map_close(&file->map);
    free(file);
}

size_t torch_file_count(const struct torch_file *file) {
    return file->count;
}

const struct safetensors_tensor *torch_file_at(const struct torch_file *file, size_t i) {
    return &file->tensor[i];
}

const struct safetensors_tensor *torch_file_find(const struct torch_file *file, const char *name) {
    struct safetensors_tensor wanted = {.name = name};
    return file->count ? bsearch(&wanted, file->tensor, file->count, sizeof wanted, compare_names) : NULL;
}
