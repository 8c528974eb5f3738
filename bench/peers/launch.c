/* SPDX-License-Identifier: MIT */
#include "launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_MAX 120u
#define ARGS_MAX 16u

/* Codes of entrant.c, and of a shell for what cannot be executed. */
#define EXIT_HAS_NONE 3
#define EXIT_NOT_BUILT_IN 4
#define EXIT_CANNOT_EXECUTE 127

/* In the child; the alarm stays on over exec. */
static void become(const char *directory, const char *program, const char *entrant,
                   const char *args) {
    char path[1024], words[256], name[64];
    char *argv[ARGS_MAX + 1];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", directory, program);
    snprintf(words, sizeof words, "%s", args);
    snprintf(name, sizeof name, "%s", entrant);
    argv[count++] = path;
    argv[count++] = name;
    for (char *word = strtok(words, " "); word != NULL && count < ARGS_MAX;
         word = strtok(NULL, " "))
        argv[count++] = word;
    argv[count] = NULL;
    alarm(SECONDS_MAX);
    execv(path, argv);
    _exit(EXIT_CANNOT_EXECUTE);
}

static launch_result judge(int status) {
    if (!WIFEXITED(status)) return LAUNCH_FAILED;
    switch (WEXITSTATUS(status)) {
    case 0: return LAUNCH_OK;
    case EXIT_HAS_NONE: return LAUNCH_HAS_NONE;
    case EXIT_NOT_BUILT_IN:
    case EXIT_CANNOT_EXECUTE: return LAUNCH_NOT_BUILT;
    default: return LAUNCH_FAILED;
    }
}

launch_result launch(const char *directory, const char *program, const char *entrant,
                     const char *args, launch_figure *figure, void *context) {
    int ends[2];
    char line[256], metric[96], unit[16];
    double value;
    if (pipe(ends) != 0) return LAUNCH_FAILED;
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return LAUNCH_FAILED;
    }
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        become(directory, program, entrant, args);
    }
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    while (from != NULL && fgets(line, sizeof line, from) != NULL)
        if (sscanf(line, "%95s %15s %lf", metric, unit, &value) == 3)
            figure(context, metric, unit, value);
    if (from != NULL) fclose(from);
    int status = 0;
    if (waitpid(child, &status, 0) != child) return LAUNCH_FAILED;
    return judge(status);
}
