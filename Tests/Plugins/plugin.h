// What test plugins share: callbacks in the shape of the API version that they are compiled for, and GLib without its headers.
#include <qemu-plugin.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;
static qemu_plugin_id_t me;

// Parameter lists: ID comes first up to API 6, DATA last from 7 on. REGISTER subscribes with `me` as userdata where there is one.
#if QEMU_PLUGIN_VERSION >= 7
#define ID
#define DATA , void *data
#define SIMPLE void *data
#define UDATA void *data
#define WITH_DATA(cb, data) cb, data
#define REGISTER(event, cb) qemu_plugin_register_##event##_cb(me, cb, (void *)(uintptr_t)me)
#define IS_MINE ((uintptr_t)data == me)
#else
#define ID qemu_plugin_id_t id,
#define DATA
#define SIMPLE qemu_plugin_id_t id
#define UDATA qemu_plugin_id_t id, void *data
#define WITH_DATA(cb, data) cb
#define REGISTER(event, cb) qemu_plugin_register_##event##_cb(me, cb)
#define IS_MINE (id == me)
#endif

/// One line to standard error, whole.
__attribute__((format(printf, 1, 2), unused)) static void say(const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    int size = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    line[size] = '\n';
    fwrite(line, 1, size + 1, stderr);
}

/// Says what failed, once for each place.
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        static int said;                                                                                               \
        if (!(condition) && !said) {                                                                                   \
            said = 1;                                                                                                  \
            say("line %d: %s", __LINE__, #condition);                                                                  \
        }                                                                                                              \
    } while (0)

/// A GLib function of any type.
__attribute__((unused)) static void *glib(const char *name) {
    void *library = dlopen("libglib-2.0.so.0", RTLD_NOW | RTLD_GLOBAL);
    void *function = library ? dlsym(library, name) : NULL;
    if (!function) {
        say("no %s", name);
        abort();
    }
    return function;
}
__attribute__((unused)) static GByteArray *new_bytes(void) { return ((GByteArray * (*)(void)) glib("g_byte_array_new"))(); }
__attribute__((unused)) static void resize(GByteArray *bytes, unsigned size) {
    static GByteArray *(*set_size)(GByteArray *, unsigned);
    if (!set_size) set_size = (GByteArray * (*)(GByteArray *, unsigned)) glib("g_byte_array_set_size");
    set_size(bytes, size);
}

__attribute__((unused)) static struct qemu_plugin_register *find_register(const char *name) {
    GArray *list = qemu_plugin_get_registers();
    struct qemu_plugin_register *found = NULL;
    for (unsigned i = 0; i < list->len; i++) {
        qemu_plugin_reg_descriptor *d = (qemu_plugin_reg_descriptor *)list->data + i;
        if (strcmp(d->name, name) == 0 && !found) found = d->handle;
    }
    ((char *(*)(GArray *, int))glib("g_array_free"))(list, 1);
    return found;
}

/// A register of up to 8 bytes; counts on being allowed to read it.
__attribute__((unused)) static uint64_t read_u64(struct qemu_plugin_register *handle) {
    static __thread GByteArray *bytes;
    if (!bytes) bytes = new_bytes();
    resize(bytes, 0);
    uint64_t value = 0;
    if (qemu_plugin_read_register(handle, bytes) && bytes->len <= 8) memcpy(&value, bytes->data, bytes->len);
    return value;
}
