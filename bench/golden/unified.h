/* SPDX-License-Identifier: MIT */
/*
 * What:    four chats at once on a unified KV cache, which is over-committed without admission.
 * Why:     one server's known loss, all conversations at once, against admission by what fits.
 * Rules:   the chats' lengths are this file's own; published are only who finished.
 * Threads: one.
 */
#ifndef GOLDEN_UNIFIED_H
#define GOLDEN_UNIFIED_H

#include "board.h"

void golden_unified(golden_board *board);

#endif
