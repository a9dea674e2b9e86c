/* Counts the calls of a tree of processes that change files, and lets the k-th of them be the last, or fail.

   Loaded by LD_PRELOAD. FAULT_FILE names a file of struct state, shared by all processes of the tree; it also tells a
   process of the tree from any other. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, KILL, FULL_ONCE, FULL_FROM };
#define MOST 2048

struct state {
    long count, at, mode, processes;
    int pids[MOST];
};

static struct state *state;
static char mark[4200];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_FILE");
    int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(0, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (shared == MAP_FAILED) return;
    state = shared;
    snprintf(mark, sizeof mark, "FAULT_FILE=%s", path);
    long place = __atomic_fetch_add(&state->processes, 1, __ATOMIC_SEQ_CST);
    if (place < MOST) state->pids[place] = getpid();
}

/* A number may belong to another process by now: one of ours has our variable in its environment. */
static int is_ours(int pid) {
    static char text[1 << 16];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (file < 0) return 0;
    long size = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    return size > 0 && memmem(text, size, mark, strlen(mark) + 1) != 0;
}

static void kill_all(void) {
    long many = state->processes < MOST ? state->processes : MOST;
    /* The first is the program itself: the others end by its end, so it must not see them end first. */
    for (long place = 0; place < many; place++)
        if (state->pids[place] != getpid() && is_ours(state->pids[place])) kill(state->pids[place], SIGKILL);
    kill(getpid(), SIGKILL);
}

/* Whether the call may be made; a disk that is full takes nothing more, but gives room back. */
static int may(int takes_room) {
    if (!state) return 1;
    long number = __atomic_add_fetch(&state->count, 1, __ATOMIC_SEQ_CST);
    if (state->mode == KILL && number == state->at) kill_all();
    if (!takes_room) return 1;
    if ((state->mode == FULL_ONCE && number == state->at) || (state->mode == FULL_FROM && number >= state->at)) {
        errno = ENOSPC;
        return 0;
    }
    return 1;
}

static int is_file(int descriptor) {
    struct stat found;
    int before = errno;
    int answer = state && fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
    errno = before;
    return answer;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPENED(flags) ((flags) & (O_CREAT | O_TRUNC))
#define MODE(flags, last) \
    mode_t mode = 0; \
    if (__OPEN_NEEDS_MODE(flags)) { \
        va_list list; \
        va_start(list, last); \
        mode = va_arg(list, mode_t); \
        va_end(list); \
    }

int open(const char *path, int flags, ...) {
    REAL(open);
    MODE(flags, flags)
    return OPENED(flags) && !may(1) ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    REAL(open64);
    MODE(flags, flags)
    return OPENED(flags) && !may(1) ? -1 : real(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    REAL(openat);
    MODE(flags, flags)
    return OPENED(flags) && !may(1) ? -1 : real(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    REAL(openat64);
    MODE(flags, flags)
    return OPENED(flags) && !may(1) ? -1 : real(folder, path, flags, mode);
}
FILE *fopen(const char *path, const char *how) {
    REAL(fopen);
    return strpbrk(how, "wa") && !may(1) ? 0 : real(path, how);
}
FILE *fopen64(const char *path, const char *how) {
    REAL(fopen64);
    return strpbrk(how, "wa") && !may(1) ? 0 : real(path, how);
}
ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    return is_file(file) && !may(1) ? -1 : real(file, data, size);
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL(pwrite);
    return is_file(file) && !may(1) ? -1 : real(file, data, size, at);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    return is_file(file) && !may(1) ? -1 : real(file, data, size, at);
}
ssize_t writev(int file, const struct iovec *parts, int many) {
    REAL(writev);
    return is_file(file) && !may(1) ? -1 : real(file, parts, many);
}
int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    return is_file(file) && !may(1) ? -1 : real(file, size);
}
int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    return is_file(file) && !may(1) ? -1 : real(file, size);
}
int fsync(int file) {
    REAL(fsync);
    return is_file(file) && !may(1) ? -1 : real(file);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return !may(1) ? -1 : real(from, to);
}
int renameat(int here, const char *from, int there, const char *to) {
    REAL(renameat);
    return !may(1) ? -1 : real(here, from, there, to);
}
int link(const char *from, const char *to) {
    REAL(link);
    return !may(1) ? -1 : real(from, to);
}
int linkat(int here, const char *from, int there, const char *to, int flags) {
    REAL(linkat);
    return !may(1) ? -1 : real(here, from, there, to, flags);
}
int symlink(const char *from, const char *to) {
    REAL(symlink);
    return !may(1) ? -1 : real(from, to);
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return !may(1) ? -1 : real(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    return !may(1) ? -1 : real(folder, path, mode);
}
int unlink(const char *path) {
    REAL(unlink);
    return !may(0) ? -1 : real(path);
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    return !may(0) ? -1 : real(folder, path, flags);
}
int rmdir(const char *path) {
    REAL(rmdir);
    return !may(0) ? -1 : real(path);
}
int chmod(const char *path, mode_t mode) {
    REAL(chmod);
    return !may(0) ? -1 : real(path, mode);
}
int fchmod(int file, mode_t mode) {
    REAL(fchmod);
    return is_file(file) && !may(0) ? -1 : real(file, mode);
}
