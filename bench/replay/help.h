/* SPDX-License-Identifier: MIT */
/*
 * What:    the text of --help.
 * Why:     every option is listed, with its default.
 * Rules:   on stdout.
 * Threads: one.
 */
#ifndef REPLAY_HELP_H
#define REPLAY_HELP_H

void replay_help(void);

#endif
