// SPDX-License-Identifier: GPL-3.0-or-later
// CRC-32 (IEEE 802.3), as zlib and gzip compute it.
#ifndef PROMPTER_SESSIONS_CRC_H
#define PROMPTER_SESSIONS_CRC_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc_of(const void *bytes, size_t length);

#endif
