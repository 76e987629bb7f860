// The callbacks that a thread is in, innermost first. Execution callbacks are not among them: generated code calls those.
#ifndef NT_CALLS_H
#define NT_CALLS_H

#include "nt_plugin_calls.h"
#include <setjmp.h>

typedef struct nt_plugin_frame {
    struct nt_plugin_frame *outer;
    nt_plugin_callee *callee;
    jmp_buf way_back;
} nt_plugin_frame;

extern _Thread_local nt_plugin_frame *nt_plugin_top __attribute__((tls_model("initial-exec"), visibility("hidden")));

#endif
