// SPDX-License-Identifier: GPL-3.0-or-later
// The files inside a mapped zip file, where they lie: for archives whose contents are stored without
// compression and used in place, as PyTorch writes them.
//
// The list of contents (also in zip64 form) is checked as a whole when it is read: every file's header stands
// where the list says, its bytes lie inside the archive. Checksums are not compared: that would read
// gigabytes which may never be used.
#ifndef PROMPTER_ENGINE_MODEL_ZIP_MAP_H
#define PROMPTER_ENGINE_MODEL_ZIP_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct zip_entry {
    const char *name; // not NUL-terminated; in the mapping
    size_t name_length;
    const unsigned char *bytes; // in the mapping; NULL: compressed or encrypted, so that it cannot be used
    size_t length;
};
struct zip_map {
    struct zip_entry *entry; // owned, sorted by name
    size_t count;
};

// True when the bytes begin as a zip file does.
bool zip_map_probe(const unsigned char *bytes, size_t length);
// `borrow_bytes` stay mapped as long as the list is used. Messages do not name the archive. Zero *out first;
// free it also after a failure.
bool zip_map_read(struct zip_map *out, const unsigned char *borrow_bytes, size_t length, struct error *e);
void zip_map_free(struct zip_map *map);
// NULL when there is none of that name.
const struct zip_entry *zip_map_find(const struct zip_map *map, const char *name, size_t length);

#endif
