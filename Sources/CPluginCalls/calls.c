// Calls into plugins.
#include "nt_plugin_calls.h"
#include "calls.h"

// Initial-exec: the emulator's executable has the symbol, and callbacks are frequent.
_Thread_local nt_plugin_frame *nt_plugin_top __attribute__((tls_model("initial-exec")));

// The call stands between setting up a way back for qemu_plugin_set_pc and taking it down. What `call` assigns is not read after
// a jump.
#define GUARDED(call)                                                                                                  \
    do {                                                                                                               \
        nt_plugin_frame frame = {.outer = nt_plugin_top, .callee = callee};                                            \
        nt_plugin_top = &frame;                                                                                        \
        callee->has_set_pc = false;                                                                                    \
        if (_setjmp(frame.way_back) == 0) {                                                                            \
            call;                                                                                                      \
        } else {                                                                                                       \
            callee->has_set_pc = true;                                                                                 \
        }                                                                                                              \
        nt_plugin_top = frame.outer;                                                                                   \
    } while (0)

// A function in the shape of API 7, and in the one before.
#define NEW(...) ((void (*)(__VA_ARGS__))(uintptr_t)callee->function)
#define IS_NEW (callee->version >= 7)
#define SIX_AND_TWO uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t
#define EIGHT(a) (a)[0], (a)[1], (a)[2], (a)[3], (a)[4], (a)[5], 0, 0

void nt_plugin_call_simple(nt_plugin_callee *callee) {
    if (IS_NEW)
        GUARDED(NEW(void *)(callee->userdata));
    else
        GUARDED(NEW(uint64_t)(callee->id));
}

void nt_plugin_call_data(nt_plugin_callee *callee) {
    if (IS_NEW)
        GUARDED(NEW(void *)(callee->userdata));
    else
        GUARDED(NEW(uint64_t, void *)(callee->id, callee->userdata));
}

void nt_plugin_call_vcpu(nt_plugin_callee *callee, unsigned vcpu) {
    if (IS_NEW)
        GUARDED(NEW(unsigned, void *)(vcpu, callee->userdata));
    else
        GUARDED(NEW(uint64_t, unsigned)(callee->id, vcpu));
}

void nt_plugin_call_tb(nt_plugin_callee *callee, const void *tb) {
    if (IS_NEW)
        GUARDED(NEW(const void *, void *)(tb, callee->userdata));
    else
        GUARDED(NEW(uint64_t, const void *)(callee->id, tb));
}

void nt_plugin_call_syscall(nt_plugin_callee *callee, unsigned vcpu, int64_t number, const uint64_t *arguments) {
    if (IS_NEW)
        GUARDED(NEW(unsigned, int64_t, SIX_AND_TWO, void *)(vcpu, number, EIGHT(arguments), callee->userdata));
    else
        GUARDED(NEW(uint64_t, unsigned, int64_t, SIX_AND_TWO)(callee->id, vcpu, number, EIGHT(arguments)));
}

bool nt_plugin_call_filter(nt_plugin_callee *callee, unsigned vcpu, int64_t number, const uint64_t *arguments,
                           uint64_t *result) {
    volatile bool answers = false;
    typedef bool (*new_filter)(unsigned, int64_t, SIX_AND_TWO, int64_t *, void *);
    typedef bool (*old_filter)(uint64_t, unsigned, int64_t, SIX_AND_TWO, uint64_t *);
    if (IS_NEW)
        GUARDED(answers = ((new_filter)(uintptr_t)callee->function)(vcpu, number, EIGHT(arguments), (int64_t *)result,
                                                                    callee->userdata));
    else
        GUARDED(answers =
                    ((old_filter)(uintptr_t)callee->function)(callee->id, vcpu, number, EIGHT(arguments), result));
    return answers;
}

void nt_plugin_call_return(nt_plugin_callee *callee, unsigned vcpu, int64_t number, int64_t result) {
    if (IS_NEW)
        GUARDED(NEW(unsigned, int64_t, int64_t, void *)(vcpu, number, result, callee->userdata));
    else
        GUARDED(NEW(uint64_t, unsigned, int64_t, int64_t)(callee->id, vcpu, number, result));
}

void nt_plugin_call_discon(nt_plugin_callee *callee, unsigned vcpu, int type, uint64_t from, uint64_t to) {
    if (IS_NEW)
        GUARDED(NEW(unsigned, int, uint64_t, uint64_t, void *)(vcpu, type, from, to, callee->userdata));
    else
        GUARDED(NEW(uint64_t, unsigned, int, uint64_t, uint64_t)(callee->id, vcpu, type, from, to));
}

int nt_plugin_call_install(nt_plugin_callee *callee, const void *info, int argc, char **argv) {
    typedef int (*install)(uint64_t, const void *, int, char **);
    volatile int status = 0;
    GUARDED(status = ((install)(uintptr_t)callee->function)(callee->id, info, argc, argv));
    return status;
}
