// CHost: the C layer below everything. Layout truth of the vCPU, entry into generated code, host signals.
#ifndef NT_CHOST_H
#define NT_CHOST_H

#include "nt_cpu.h"
#include "nt_tb.h"
#include "nt_enter.h"
#include "nt_find.h"
#include "nt_layout.h"
#include "nt_memory.h"
#include "nt_linux.h"
#include "nt_guest.h"
#include "nt_helpers.h"
#include "nt_fp.h"
#include "nt_fp_half.h"
#include "nt_crypto.h"
#include "nt_pauth.h"
#include "nt_virtual_time.h"
#include "nt_own_memory.h"
#include "nt_processors.h"

#endif
