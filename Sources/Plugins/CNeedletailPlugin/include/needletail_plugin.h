// What the Swift SDK needs from C: the interface itself, the version symbol (Swift cannot define a C variable), locks, GLib's
// arrays without linking GLib, and a few libc names that Embedded Swift has no module for.
#ifndef NEEDLETAIL_PLUGIN_H
#define NEEDLETAIL_PLUGIN_H

#include <stdlib.h>
#include <string.h>

#include "qemu-plugin.h"

#if QEMU_PLUGIN_VERSION < 6
// Of version 6, for plugins that use them: others still load into older emulators.
typedef bool (*qemu_plugin_vcpu_syscall_filter_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_index, int64_t num, uint64_t a1,
                                                     uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                                                     uint64_t a7, uint64_t a8, uint64_t *sysret);
void qemu_plugin_register_vcpu_syscall_filter_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_filter_cb_t cb);
__attribute__((noreturn)) void qemu_plugin_set_pc(uint64_t vaddr);
#endif

/// Writes `plugin: problem` or `plugin: problem: subject` as a line to stderr.
void nt_plugin_complain(const char *plugin, const char *problem, const char *subject);

/// One lock for the plugin's own tables. Held over fork, so that the child finds it free and the tables whole.
void nt_plugin_lock(void);
void nt_plugin_unlock(void);
/// How many forks lie between the emulator's start and this process, for whoever must not share with a parent.
uint32_t nt_plugin_fork_count(void);

/// A lock for a few instructions inside execution callbacks; 0 is unlocked.
static inline void nt_plugin_spin_lock(uint32_t *lock) {
    while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(lock, __ATOMIC_RELAXED)) {
        }
}
static inline void nt_plugin_spin_unlock(uint32_t *lock) { __atomic_store_n(lock, 0, __ATOMIC_RELEASE); }
static inline uint64_t nt_plugin_atomic_add(uint64_t *value, uint64_t amount) {
    return __atomic_fetch_add(value, amount, __ATOMIC_RELAXED);
}

/// GLib's arrays from the instance that the emulator uses. NULL or no effect when there is no GLib.
GByteArray *nt_plugin_new_byte_array(void);
void nt_plugin_empty_byte_array(GByteArray *array);
/// Returns false when there is no room.
bool nt_plugin_fill_byte_array(GByteArray *array, const void *bytes, size_t count);
void nt_plugin_free_array(GArray *array);

/// Files. -1 is an error, told on stderr by the caller.
/// A device or a pipe, or a name of a descriptor such as /dev/stdout, whatever is behind it.
bool nt_plugin_is_special_file(const char *path);
/// Makes the file, or empties it; with `appends` goes on at its end.
int nt_plugin_open_for_writing(const char *path, bool appends);
int nt_plugin_write_all(int fd, const void *bytes, size_t count);
int nt_plugin_close(int fd);
int nt_plugin_rename(const char *from, const char *to);
void nt_plugin_remove(const char *path);
int nt_plugin_make_directory(const char *path);
int nt_plugin_process_id(void);
/// What this process's file holds, to be freed; NULL when it cannot be read.
char *nt_plugin_read_file(const char *path, size_t *count);
/// stdout, for lists that options ask for.
void nt_plugin_print(const void *bytes, size_t count);

/// CLOCK_MONOTONIC in nanoseconds, and sleeping until a time of it.
uint64_t nt_plugin_now(void);
void nt_plugin_sleep_until(uint64_t time);

/// Writes `value` with that many decimals, right-aligned in `width`, to a buffer of at least 48 bytes; returns the length.
int nt_plugin_format_double(char *buffer, double value, int width, int decimals);

/// Unix stream sockets. Connects to `path`, or makes it and waits for the one peer; -1 with errno's text on stderr.
int nt_plugin_meet(const char *path, bool *is_first);
/// 0 when all bytes went, -1 when the peer is gone.
int nt_plugin_send(int fd, const void *bytes, size_t count);
int nt_plugin_receive(int fd, void *bytes, size_t count);

/// `exit`, through which a plugin ends the emulation.
__attribute__((noreturn)) void nt_plugin_exit(int status);
/// For `body` to run when the library is closed or the process exits.
int nt_plugin_at_unload(void (*body)(void));
/// Glob match without regard to case.
bool nt_plugin_glob(const char *pattern, const char *name);

#endif
