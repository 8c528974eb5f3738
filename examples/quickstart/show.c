/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "show.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "workload.h"

#define WIDTH 79u /* columns used; a longer reply shows its tail, or fills several lines */
#define PLAIN_INTERVAL_NS (500 * MILLISECOND)

static struct {
    pthread_mutex_t lock;
    int live;              /* a terminal: redraw */
    int drawn;             /* two live lines are on the screen */
    uint64_t next_ns;      /* plain: when the next progress line is due */
    size_t reply_size;     /* bytes of reply that count */
    char reply[WIDTH + 1]; /* live: the tail; plain: the line being filled */
    char progress[WIDTH + 1];
} show = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void erase(void) {
    if (show.drawn) fputs("\r\033[2A\033[J", stdout);
    show.drawn = 0;
}

static void draw(void) {
    if (!show.live) return;
    erase();
    printf("  reply: %.*s\n%s\n", (int)show.reply_size, show.reply, show.progress);
    fflush(stdout);
    show.drawn = 1;
}

static void flush_reply(void) {
    if (show.reply_size == 0) return;
    printf("  reply: %.*s\n", (int)show.reply_size, show.reply);
    fflush(stdout);
    show.reply_size = 0;
}

/* A terminal that is wide enough for a line, and knows how to go up. */
static int can_redraw(void) {
    struct winsize size = {0};
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
           ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > WIDTH;
}

void show_open(void) {
    pthread_mutex_lock(&show.lock);
    show.live = can_redraw();
    show.drawn = 0;
    show.next_ns = 0;
    show.reply_size = 0;
    show.progress[0] = '\0';
    pthread_mutex_unlock(&show.lock);
}

void show_close(void) {
    pthread_mutex_lock(&show.lock);
    if (show.live)
        draw();
    else {
        flush_reply();
        printf("%s\n", show.progress);
    }
    show.drawn = 0;
    fflush(stdout);
    pthread_mutex_unlock(&show.lock);
}

void show_line(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&show.lock);
    int redraw = show.drawn;
    erase();
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    if (redraw) draw();
    pthread_mutex_unlock(&show.lock);
    va_end(arguments);
}

void show_progress(uint64_t now_ns, const char *text) {
    pthread_mutex_lock(&show.lock);
    snprintf(show.progress, sizeof show.progress, "%s", text);
    if (show.live)
        draw();
    else if (now_ns >= show.next_ns) {
        printf("%s\n", show.progress);
        fflush(stdout);
        show.next_ns = now_ns + PLAIN_INTERVAL_NS;
    }
    pthread_mutex_unlock(&show.lock);
}

void show_reply(const char *bytes, size_t size) {
    const size_t room = WIDTH - 16; /* beside "  reply: " */
    if (size > room) return;
    pthread_mutex_lock(&show.lock);
    if (show.reply_size + size > room) {
        if (show.live) {
            size_t cut = show.reply_size + size - room;
            memmove(show.reply, show.reply + cut, show.reply_size - cut);
            show.reply_size -= cut;
        } else
            flush_reply();
    }
    memcpy(show.reply + show.reply_size, bytes, size);
    show.reply_size += size;
    draw();
    pthread_mutex_unlock(&show.lock);
}
