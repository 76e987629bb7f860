#define _GNU_SOURCE
#include "needletail_plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
void nt_plugin_lock(void) { pthread_mutex_lock(&lock); }
void nt_plugin_unlock(void) { pthread_mutex_unlock(&lock); }

// 0 in a child, until it looks: the kernel wipes the page, however the process forked. NULL where it cannot (before Linux 4.14).
static uint32_t *mark;
static uint32_t forks;

uint32_t nt_plugin_fork_count(void) {
    if (mark && !__atomic_load_n(mark, __ATOMIC_RELAXED) && !__atomic_exchange_n(mark, 1, __ATOMIC_RELAXED))
        __atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
    return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}
static void unlock_in_child(void) {
    if (!mark) forks++;
    pthread_mutex_unlock(&lock);
}
__attribute__((constructor)) static void prepare_for_fork(void) {
    pthread_atfork(nt_plugin_lock, nt_plugin_unlock, unlock_in_child);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK) != 0) return;
    mark = page;
    *mark = 1;
}

void nt_plugin_complain(const char *plugin, const char *problem, const char *subject) {
    fprintf(stderr, subject ? "%s: %s: %s\n" : "%s: %s\n", plugin, problem, subject);
}

// GLib is the emulator's affair until a plugin reads registers. It is in the process by then.
static void *glib(const char *name) {
    void *symbol = dlsym(RTLD_DEFAULT, name);
    if (symbol) return symbol;
    void *library = dlopen("libglib-2.0.so.0", RTLD_NOW | RTLD_GLOBAL);
    return library ? dlsym(library, name) : NULL;
}
GByteArray *nt_plugin_new_byte_array(void) {
    GByteArray *(*make)(void) = (GByteArray * (*)(void)) glib("g_byte_array_new");
    return make ? make() : NULL;
}
void nt_plugin_empty_byte_array(GByteArray *array) {
    // Public: only the number of bytes changes, what is allocated stays.
    if (array) array->len = 0;
}
bool nt_plugin_fill_byte_array(GByteArray *array, const void *bytes, size_t count) {
    GByteArray *(*append)(GByteArray *, const uint8_t *, unsigned) =
        (GByteArray * (*)(GByteArray *, const uint8_t *, unsigned)) glib("g_byte_array_append");
    if (!append || !array || count > UINT32_MAX) return false;
    nt_plugin_empty_byte_array(array);
    return append(array, bytes, (unsigned)count) != NULL;
}
void nt_plugin_free_array(GArray *array) {
    char *(*release)(GArray *, int) = (char *(*)(GArray *, int))glib("g_array_free");
    if (release && array) release(array, 1);
}

bool nt_plugin_is_special_file(const char *path) {
    if (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0) return true;
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}
int nt_plugin_open_for_writing(const char *path, bool appends) {
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appends ? O_APPEND : O_TRUNC), 0666);
}
int nt_plugin_write_all(int fd, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count) {
        ssize_t done = write(fd, next, count);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        next += done;
        count -= (size_t)done;
    }
    return 0;
}
int nt_plugin_close(int fd) { return close(fd); }
int nt_plugin_rename(const char *from, const char *to) { return rename(from, to); }
void nt_plugin_remove(const char *path) { unlink(path); }
int nt_plugin_make_directory(const char *path) { return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1; }
int nt_plugin_process_id(void) { return getpid(); }

char *nt_plugin_read_file(const char *path, size_t *count) {
    FILE *file = fopen(path, "re");
    if (!file) return NULL;
    size_t capacity = 1 << 16, used = 0, got;
    char *text = malloc(capacity);
    while (text && (got = fread(text + used, 1, capacity - used, file)) > 0) {
        used += got;
        if (used < capacity) continue;
        char *grown = realloc(text, capacity *= 2);
        if (!grown) free(text);
        text = grown;
    }
    fclose(file);
    *count = used;
    return text;
}
void nt_plugin_print(const void *bytes, size_t count) {
    fwrite(bytes, 1, count, stdout);
    fflush(stdout);
}

uint64_t nt_plugin_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
void nt_plugin_sleep_until(uint64_t time) {
    struct timespec until = {.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)};
    // A signal ends the sleep: it may be for the guest, which must not wait for it longer than this.
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int nt_plugin_format_double(char *buffer, double value, int width, int decimals) {
    return snprintf(buffer, 48, "%*.*f", width, decimals, value);
}

int nt_plugin_meet(const char *path, bool *is_first) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    // The other may have bound the path and not listen yet, or have gone and left it.
    for (int attempt = 0; attempt < 200; attempt++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return -1;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            *is_first = false;
            return fd;
        }
        int error = errno;
        if (error == ENOENT && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            *is_first = true;
            int peer = listen(fd, 1) == 0 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;
            unlink(path);
            close(fd);
            return peer;
        }
        if (error == ENOENT) error = errno;
        close(fd);
        if (error != ECONNREFUSED && error != EADDRINUSE) {
            errno = error;
            return -1;
        }
        usleep(10000);
    }
    errno = ECONNREFUSED;
    return -1;
}
int nt_plugin_send(int fd, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count) {
        ssize_t done = send(fd, next, count, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        next += done;
        count -= (size_t)done;
    }
    return 0;
}
int nt_plugin_receive(int fd, void *bytes, size_t count) {
    char *next = bytes;
    while (count) {
        ssize_t done = recv(fd, next, count, MSG_WAITALL);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        next += done;
        count -= (size_t)done;
    }
    return 0;
}

void nt_plugin_exit(int status) { exit(status); }
// From a shared object this is for the closing of the object, too.
int nt_plugin_at_unload(void (*body)(void)) { return atexit(body); }
bool nt_plugin_glob(const char *pattern, const char *name) { return fnmatch(pattern, name, FNM_CASEFOLD) == 0; }
