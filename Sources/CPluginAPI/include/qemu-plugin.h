/*
 * QEMU's TCG plugin interface, API versions 2 to 7, written for Needletail from the published facts: names, types and values
 * are QEMU's, so that one plugin binary serves both; the words are ours.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QEMU_PLUGIN_VERSION chooses the version whose types and functions are declared; define it before the header is included:
 *   2 QEMU 9.0    3 QEMU 9.1    4 QEMU 9.2, 10.0    5 QEMU 10.1, 10.2    6 QEMU 11.0    7 QEMU 11.1
 * Needletail loads all of them. Without a definition it is 5: plugins with callbacks of that shape load into most QEMUs.
 *
 * A plugin is a shared object that defines `qemu_plugin_version` and `qemu_plugin_install` and leaves every other
 * qemu_plugin_* name undefined: the emulator's executable provides them.
 *
 * Contexts, as the comments below use the words:
 *   translation   inside a tb_trans callback; `struct qemu_plugin_tb *` and `struct qemu_plugin_insn *` live only there
 *   vCPU          in a callback that runs on a vCPU's thread
 *   registers     what a callback may do with guest registers: the flags it was registered with, read and write for
 *                 callbacks that take no flags, nothing outside callbacks and in flush and atexit callbacks
 *
 * C and C++. With GLib's headers on the include path <glib.h> is included, as QEMU's header does; without them the two
 * array types are declared here, and a plugin that needs no GLib function needs no GLib development files.
 */
#ifndef QEMU_QEMU_PLUGIN_H
#define QEMU_QEMU_PLUGIN_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<glib.h>)
#define QEMU_PLUGIN_HAS_GLIB 1
#endif
#endif

#ifdef QEMU_PLUGIN_HAS_GLIB
#include <glib.h>
#else
/* The public part of GLib's arrays. The objects are made and resized by GLib only: there are private fields behind. */
typedef struct _GArray {
    char *data;
    unsigned int len;
} GArray;
typedef struct _GByteArray {
    uint8_t *data;
    unsigned int len;
} GByteArray;
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a plugin defines is marked QEMU_PLUGIN_EXPORT; what it keeps to itself may be marked QEMU_PLUGIN_LOCAL. */
#define QEMU_PLUGIN_EXPORT __attribute__((visibility("default")))
#define QEMU_PLUGIN_LOCAL __attribute__((visibility("hidden")))
#define QEMU_PLUGIN_API

/* The API version. A plugin stores it in `qemu_plugin_version`; hosts refuse what they do not speak. */
#ifndef QEMU_PLUGIN_VERSION
#define QEMU_PLUGIN_VERSION 5
#endif
#if QEMU_PLUGIN_VERSION < 2 || QEMU_PLUGIN_VERSION > 7
#error "QEMU_PLUGIN_VERSION must be 2 to 7"
#endif

/* Names one loaded plugin; handed to install and to be passed back. Any 64-bit number. */
typedef uint64_t qemu_plugin_id_t;

/* What the emulator is and runs. Valid during install. */
typedef struct qemu_info_t {
    const char *target_name; /* "aarch64" */
    struct {
        int min; /* oldest API version the host accepts */
        int cur; /* API version the host speaks */
    } version;
    bool system_emulation; /* false: one user program */
    union {
        struct {
            int smp_vcpus; /* vCPUs at start; 0 in user mode */
            int max_vcpus; /* most vCPUs there can be; 0 in user mode */
        } system;
    };
} qemu_info_t;

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;

/*
 * Called once after loading, before any guest code. argv has argc entries `name=value`, no program name, no final NULL; it
 * is NULL when argc is 0, and stays valid until the plugin is uninstalled. Anything but 0 stops the emulator.
 */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

/*
 * ---- Callback shapes ----
 * Up to API 6 callbacks of events get the plugin's id first, and most of them no userdata. From 7 on none gets an id, all get
 * the userdata they were registered with, last. Execution callbacks have one shape in all versions.
 */

typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu_index, void *userdata);
#if QEMU_PLUGIN_VERSION >= 7
typedef void (*qemu_plugin_udata_cb_t)(void *userdata);
#else
typedef void (*qemu_plugin_simple_cb_t)(qemu_plugin_id_t id);
typedef void (*qemu_plugin_udata_cb_t)(qemu_plugin_id_t id, void *userdata);
typedef void (*qemu_plugin_vcpu_simple_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_index);
#endif

/* ---- Life-cycle ---- */

/*
 * Both are requests: with all vCPUs stopped, translations are dropped and the plugin's callbacks removed; then cb (may be
 * NULL) runs. After a reset the plugin may register anew; after an uninstall its library is closed. uninstall may not be
 * called from install.
 */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_uninstall(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_reset(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_uninstall(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
QEMU_PLUGIN_API void qemu_plugin_reset(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
#endif

/* Events have one slot for each plugin: registering again replaces the function, NULL removes it. */

/* A vCPU is about to run its first guest instruction; runs on its thread. */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
#endif
/* A guest thread ends. Not called for the last one, nor when the whole program exits. */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_exit_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_exit_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
#endif
/* System emulation: a vCPU goes to sleep, and wakes. */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_udata_cb_t cb, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
#endif

#if QEMU_PLUGIN_VERSION >= 5
/*
 * Places where execution goes on elsewhere without a branch. A bit set in registration, one bit in calls. QEMU has them in
 * system emulation only; Needletail's user mode reports signals, faults and system calls (Documentation/plugins.md).
 */
enum qemu_plugin_discon_type {
    QEMU_PLUGIN_DISCON_INTERRUPT = 1,
    QEMU_PLUGIN_DISCON_EXCEPTION = 2,
    QEMU_PLUGIN_DISCON_HOSTCALL = 4,
    QEMU_PLUGIN_DISCON_ALL = -1
};
#if QEMU_PLUGIN_VERSION >= 7
typedef void (*qemu_plugin_vcpu_discon_cb_t)(unsigned int vcpu_index, enum qemu_plugin_discon_type type,
                                             uint64_t from_pc, uint64_t to_pc, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_discon_cb(qemu_plugin_id_t id, enum qemu_plugin_discon_type type,
                                                         qemu_plugin_vcpu_discon_cb_t cb, void *userdata);
#else
typedef void (*qemu_plugin_vcpu_discon_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_index,
                                             enum qemu_plugin_discon_type type, uint64_t from_pc, uint64_t to_pc);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_discon_cb(qemu_plugin_id_t id, enum qemu_plugin_discon_type type,
                                                         qemu_plugin_vcpu_discon_cb_t cb);
#endif
#endif

/* The whole translation cache was dropped; everything registered on blocks and instructions is gone. */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_register_flush_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_register_flush_cb(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb);
#endif
/* The emulator is about to leave. stdio is not flushed afterwards by QEMU in user mode: do it here. */
QEMU_PLUGIN_API void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata);

/* Guest system calls (user mode): raw number and arguments before, and the result (negative errno) after. */
#if QEMU_PLUGIN_VERSION >= 7
typedef void (*qemu_plugin_vcpu_syscall_cb_t)(unsigned int vcpu_index, int64_t num, uint64_t a1, uint64_t a2, uint64_t a3,
                                              uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8,
                                              void *userdata);
typedef void (*qemu_plugin_vcpu_syscall_ret_cb_t)(unsigned int vcpu_index, int64_t num, int64_t ret, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_cb_t cb,
                                                          void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_ret_cb_t cb,
                                                              void *userdata);
#else
typedef void (*qemu_plugin_vcpu_syscall_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_index, int64_t num, uint64_t a1,
                                              uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                                              uint64_t a7, uint64_t a8);
typedef void (*qemu_plugin_vcpu_syscall_ret_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_idx, int64_t num, int64_t ret);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_cb_t cb);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_ret_cb_t cb);
#endif

/* A filter that returns true keeps the call from being made; *sysret is then its result. */
#if QEMU_PLUGIN_VERSION >= 7
typedef bool (*qemu_plugin_vcpu_syscall_filter_cb_t)(unsigned int vcpu_index, int64_t num, uint64_t a1, uint64_t a2,
                                                     uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
                                                     uint64_t a8, int64_t *sysret, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_filter_cb(qemu_plugin_id_t id,
                                                                 qemu_plugin_vcpu_syscall_filter_cb_t cb, void *userdata);
#elif QEMU_PLUGIN_VERSION >= 6
typedef bool (*qemu_plugin_vcpu_syscall_filter_cb_t)(qemu_plugin_id_t id, unsigned int vcpu_index, int64_t num,
                                                     uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5,
                                                     uint64_t a6, uint64_t a7, uint64_t a8, uint64_t *sysret);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_syscall_filter_cb(qemu_plugin_id_t id,
                                                                 qemu_plugin_vcpu_syscall_filter_cb_t cb);
#endif

/* Calls cb for each vCPU that was initialised and has not exited, before returning. */
#if QEMU_PLUGIN_VERSION >= 7
QEMU_PLUGIN_API void qemu_plugin_vcpu_for_each(qemu_plugin_id_t id, qemu_plugin_vcpu_udata_cb_t cb, void *userdata);
#else
QEMU_PLUGIN_API void qemu_plugin_vcpu_for_each(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb);
#endif
/* Highest vCPU index so far plus one; 0 in install; never decreases. */
QEMU_PLUGIN_API int qemu_plugin_num_vcpus(void);

/* ---- Scoreboards: one element of plugin data for each vCPU index ---- */

struct qemu_plugin_scoreboard;

/* One 64-bit member of a scoreboard's element: what inline operations and conditions work on. Passed by value. */
typedef struct {
    struct qemu_plugin_scoreboard *score;
    size_t offset; /* bytes into an element */
} qemu_plugin_u64;

/* Zero-filled. May be called anywhere, install included. */
QEMU_PLUGIN_API struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
/* The plugin makes sure that no live block still counts into it. */
QEMU_PLUGIN_API void qemu_plugin_scoreboard_free(struct qemu_plugin_scoreboard *score);
/* The element of a vCPU. QEMU may move elements when a vCPU appears, so keep no pointer beyond the callback. */
QEMU_PLUGIN_API void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu_index);

#ifdef __cplusplus
static inline qemu_plugin_u64 qemu_plugin_make_u64(struct qemu_plugin_scoreboard *score, size_t offset) {
    qemu_plugin_u64 entry;
    entry.score = score;
    entry.offset = offset;
    return entry;
}
#define qemu_plugin_scoreboard_u64(score) qemu_plugin_make_u64((score), 0)
#define qemu_plugin_scoreboard_u64_in_struct(score, type, member) qemu_plugin_make_u64((score), offsetof(type, member))
#else
/* A scoreboard whose elements are (or begin with) a uint64_t. */
#define qemu_plugin_scoreboard_u64(score) ((qemu_plugin_u64){(score), 0})
/* A uint64_t member of a scoreboard whose elements are `type`. */
#define qemu_plugin_scoreboard_u64_in_struct(score, type, member) ((qemu_plugin_u64){(score), offsetof(type, member)})
#endif

/* One vCPU's member, without atomicity; and the sum over all vCPUs there ever were (wrapping). */
QEMU_PLUGIN_API void qemu_plugin_u64_add(qemu_plugin_u64 entry, unsigned int vcpu_index, uint64_t added);
QEMU_PLUGIN_API uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int vcpu_index);
QEMU_PLUGIN_API void qemu_plugin_u64_set(qemu_plugin_u64 entry, unsigned int vcpu_index, uint64_t val);
QEMU_PLUGIN_API uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);

/* ---- Instrumentation (translation context). Each call appends one record; they run in the order of registration. ---- */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* A block was translated. Called once for each translation, not for each execution. */
#if QEMU_PLUGIN_VERSION >= 7
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(struct qemu_plugin_tb *tb, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb,
                                                           void *userdata);
#else
typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
#endif

/* What an execution callback does with guest registers. */
enum qemu_plugin_cb_flags {
    QEMU_PLUGIN_CB_NO_REGS = 0,
    QEMU_PLUGIN_CB_R_REGS = 1,
    QEMU_PLUGIN_CB_RW_REGS = 2,
#if QEMU_PLUGIN_VERSION >= 6
    QEMU_PLUGIN_CB_RW_REGS_PC = 3 /* and may call qemu_plugin_set_pc */
#endif
};
/* Direction of memory accesses; a bit set. */
enum qemu_plugin_mem_rw {
    QEMU_PLUGIN_MEM_R = 1,
    QEMU_PLUGIN_MEM_W = 2,
    QEMU_PLUGIN_MEM_RW = 3
};
/* `entry COND imm`, compared as unsigned 64-bit numbers. */
enum qemu_plugin_cond {
    QEMU_PLUGIN_COND_NEVER = 0,
    QEMU_PLUGIN_COND_ALWAYS = 1,
    QEMU_PLUGIN_COND_EQ = 2,
    QEMU_PLUGIN_COND_NE = 3,
    QEMU_PLUGIN_COND_LT = 4,
    QEMU_PLUGIN_COND_LE = 5,
    QEMU_PLUGIN_COND_GT = 6,
    QEMU_PLUGIN_COND_GE = 7
};
/* Operations done in generated code, without a call, on the running vCPU's element. */
enum qemu_plugin_op {
    QEMU_PLUGIN_INLINE_ADD_U64 = 0,  /* entry += imm */
    QEMU_PLUGIN_INLINE_STORE_U64 = 1 /* entry = imm */
};

/* Before each execution of the block. */
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                                          enum qemu_plugin_cb_flags flags, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_tb_exec_cond_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                                               enum qemu_plugin_cb_flags flags,
                                                               enum qemu_plugin_cond cond, qemu_plugin_u64 entry,
                                                               uint64_t imm, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                                                       qemu_plugin_u64 entry, uint64_t imm);
/* Before each execution of the instruction, which may then still fault. */
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb,
                                                            enum qemu_plugin_cb_flags flags, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn,
                                                                 qemu_plugin_vcpu_udata_cb_t cb,
                                                                 enum qemu_plugin_cb_flags flags,
                                                                 enum qemu_plugin_cond cond, qemu_plugin_u64 entry,
                                                                 uint64_t imm, void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
                                                                         enum qemu_plugin_op op, qemu_plugin_u64 entry,
                                                                         uint64_t imm);

/* Describes one memory access; read it with the qemu_plugin_mem_* functions. */
typedef uint32_t qemu_plugin_meminfo_t;

/* After each memory access of the instruction that succeeded and matches `rw`. */
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int vcpu_index, qemu_plugin_meminfo_t info, uint64_t vaddr,
                                          void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_mem_cb_t cb,
                                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
                                                      void *userdata);
QEMU_PLUGIN_API void qemu_plugin_register_vcpu_mem_inline_per_vcpu(struct qemu_plugin_insn *insn,
                                                                   enum qemu_plugin_mem_rw rw, enum qemu_plugin_op op,
                                                                   qemu_plugin_u64 entry, uint64_t imm);

/* ---- Asking about blocks and instructions (translation context) ---- */

QEMU_PLUGIN_API size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
QEMU_PLUGIN_API uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
/* NULL when idx is out of range. */
QEMU_PLUGIN_API struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
#if QEMU_PLUGIN_VERSION == 2
/* The encoding as it stands in guest memory, qemu_plugin_insn_size bytes; valid in the translation callback. */
QEMU_PLUGIN_API const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#else
/* Copies at most len bytes of the encoding as they stand in guest memory; returns how many. */
QEMU_PLUGIN_API size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
#endif
QEMU_PLUGIN_API size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
QEMU_PLUGIN_API uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
/* Host address of the bytes, to tell instructions apart; NULL when they are not in plain memory. */
QEMU_PLUGIN_API void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
/* Text of the instruction; free it with g_free. */
QEMU_PLUGIN_API char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);
/* Name of the symbol the instruction belongs to, or NULL; valid for the life of the process. */
QEMU_PLUGIN_API const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);

/* ---- Asking about a memory access (memory callbacks) ---- */

#if QEMU_PLUGIN_VERSION >= 4
enum qemu_plugin_mem_value_type {
    QEMU_PLUGIN_MEM_VALUE_U8 = 0,
    QEMU_PLUGIN_MEM_VALUE_U16 = 1,
    QEMU_PLUGIN_MEM_VALUE_U32 = 2,
    QEMU_PLUGIN_MEM_VALUE_U64 = 3,
    QEMU_PLUGIN_MEM_VALUE_U128 = 4
};
/* What was read or written, in host byte order. Returned by value. */
typedef struct {
    enum qemu_plugin_mem_value_type type;
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        struct {
            uint64_t low;
            uint64_t high;
        } u128;
    } data;
} qemu_plugin_mem_value;
#endif

/* log2 of the size in bytes, 0...4. */
QEMU_PLUGIN_API unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
QEMU_PLUGIN_API bool qemu_plugin_mem_is_sign_extended(qemu_plugin_meminfo_t info);
QEMU_PLUGIN_API bool qemu_plugin_mem_is_big_endian(qemu_plugin_meminfo_t info);
QEMU_PLUGIN_API bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
#if QEMU_PLUGIN_VERSION >= 4
QEMU_PLUGIN_API qemu_plugin_mem_value qemu_plugin_mem_get_value(qemu_plugin_meminfo_t info);
#endif

/* Where an access went in the machine. User mode: NULL, no I/O, address 0 and device "Invalid". */
struct qemu_plugin_hwaddr;
QEMU_PLUGIN_API struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr);
QEMU_PLUGIN_API bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *haddr);
QEMU_PLUGIN_API uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *haddr);
QEMU_PLUGIN_API const char *qemu_plugin_hwaddr_device_name(const struct qemu_plugin_hwaddr *h);

/* ---- Guest registers (vCPU context) ---- */

struct qemu_plugin_register;

typedef struct {
    struct qemu_plugin_register *handle;
    const char *name;
    const char *feature; /* group, as GDB names it; may be NULL */
#if QEMU_PLUGIN_VERSION >= 6
    bool is_readonly; /* qemu_plugin_write_register refuses it */
#endif
} qemu_plugin_reg_descriptor;

/* The current vCPU's registers: a new array of qemu_plugin_reg_descriptor, to be freed with g_array_free. */
QEMU_PLUGIN_API GArray *qemu_plugin_get_registers(void);
#if QEMU_PLUGIN_VERSION >= 6
/* Appends the value to buf. False: no such register, or registers may not be read here. */
QEMU_PLUGIN_API bool qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf);
/* Takes the value from the start of buf. False: cannot be written, not here, or buf is empty. */
QEMU_PLUGIN_API bool qemu_plugin_write_register(struct qemu_plugin_register *handle, GByteArray *buf);
/*
 * Goes on at another guest address; does not return. From callbacks with QEMU_PLUGIN_CB_RW_REGS_PC and from those without
 * flags, except vcpu_exit, flush and atexit.
 */
QEMU_PLUGIN_API __attribute__((__noreturn__)) void qemu_plugin_set_pc(uint64_t vaddr);
#else
/* Appends the value to buf. Returns the bytes appended; 0: no such register; -1: registers may not be read here. */
QEMU_PLUGIN_API int qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf);
#if QEMU_PLUGIN_VERSION == 5
/* Takes the value from the start of buf. Returns its size; 0: cannot be written; -1: not here, or buf is empty. */
QEMU_PLUGIN_API int qemu_plugin_write_register(struct qemu_plugin_register *handle, GByteArray *buf);
#endif
#endif

/* ---- Guest memory (vCPU context). No guest fault, no memory callback. ---- */

#if QEMU_PLUGIN_VERSION >= 4
/* Replaces the contents of data by len bytes. */
QEMU_PLUGIN_API bool qemu_plugin_read_memory_vaddr(uint64_t addr, GByteArray *data, size_t len);
#endif
#if QEMU_PLUGIN_VERSION >= 5
enum qemu_plugin_hwaddr_operation_result {
    QEMU_PLUGIN_HWADDR_OPERATION_OK = 0,
    QEMU_PLUGIN_HWADDR_OPERATION_ERROR = 1,
    QEMU_PLUGIN_HWADDR_OPERATION_DEVICE_ERROR = 2,
    QEMU_PLUGIN_HWADDR_OPERATION_ACCESS_DENIED = 3,
    QEMU_PLUGIN_HWADDR_OPERATION_INVALID_ADDRESS = 4,
    QEMU_PLUGIN_HWADDR_OPERATION_INVALID_ADDRESS_SPACE = 5
};

/* Writes all of data, read-only pages included. */
QEMU_PLUGIN_API bool qemu_plugin_write_memory_vaddr(uint64_t addr, GByteArray *data);
/* By machine address: system emulation only. */
QEMU_PLUGIN_API enum qemu_plugin_hwaddr_operation_result
qemu_plugin_read_memory_hwaddr(uint64_t addr, GByteArray *data, size_t len);
QEMU_PLUGIN_API enum qemu_plugin_hwaddr_operation_result
qemu_plugin_write_memory_hwaddr(uint64_t addr, GByteArray *data);
/* System emulation only. */
QEMU_PLUGIN_API bool qemu_plugin_translate_vaddr(uint64_t vaddr, uint64_t *hwaddr);
#endif

/* ---- Output, arguments, the program, time ---- */

/* Writes the text as it is to the log, if its `plugin` item is on. */
QEMU_PLUGIN_API void qemu_plugin_outs(const char *string);
/* on yes true y, off no false n; returns false, and leaves *ret alone, for anything else. */
QEMU_PLUGIN_API bool qemu_plugin_bool_parse(const char *name, const char *val, bool *ret);
/* User mode, once the program is loaded. The path is to be freed with g_free. */
QEMU_PLUGIN_API const char *qemu_plugin_path_to_binary(void);
QEMU_PLUGIN_API uint64_t qemu_plugin_start_code(void);
QEMU_PLUGIN_API uint64_t qemu_plugin_end_code(void);
QEMU_PLUGIN_API uint64_t qemu_plugin_entry_code(void);
/* System emulation: the first plugin to ask may drive the clock; NULL otherwise. */
QEMU_PLUGIN_API const void *qemu_plugin_request_time_control(void);
QEMU_PLUGIN_API void qemu_plugin_update_ns(const void *handle, int64_t time);

#ifdef __cplusplus
}
#endif

#endif
