// Shared by the files of handlers.
#ifndef NT_HANDLERS_H
#define NT_HANDLERS_H

#include "CInterpreter.h"
#include <string.h>

/// Guest accesses happen in handlers, so all of them lie in the section whose faults are the guest's.
#define HANDLER(name)                                                                                                  \
    NT_GUEST_ACCESS_SECTION NT_PRESERVE_NONE uint64_t nt_op_##name(nt_cpu *cpu, nt_tb *tb, const nt_op *ip)

#define NEXT_AT(cell)                                                                                                  \
    do {                                                                                                               \
        const nt_op *next_ = (cell);                                                                                   \
        __attribute__((musttail)) return next_->handler(cpu, tb, next_);                                               \
    } while (0)
#define NEXT NEXT_AT(ip + 1)

#define AT(type, offset) (*(type *)((char *)cpu + (offset)))
#define D64 AT(uint64_t, ip->d)
#define A64 AT(uint64_t, ip->a)
#define B64 AT(uint64_t, ip->b)
#define C64 AT(uint64_t, ip->c)
#define A32 AT(uint32_t, ip->a)
#define B32 AT(uint32_t, ip->b)
#define C32 AT(uint32_t, ip->c)

typedef uint8_t v16u8 __attribute__((vector_size(16)));
typedef uint16_t v8u16 __attribute__((vector_size(16)));
typedef uint32_t v4u32 __attribute__((vector_size(16)));
typedef uint64_t v2u64 __attribute__((vector_size(16)));
typedef int8_t v16s8 __attribute__((vector_size(16)));
typedef int16_t v8s16 __attribute__((vector_size(16)));
typedef int32_t v4s32 __attribute__((vector_size(16)));
typedef int64_t v2s64 __attribute__((vector_size(16)));

#define DV(type) AT(type, ip->d)
#define AV(type) AT(type, ip->a)
#define BV(type) AT(type, ip->b)
#define CV(type) AT(type, ip->c)

#define JUMP_TO(target_)                                                                                               \
    do {                                                                                                               \
        nt_tb *to_ = (target_);                                                                                        \
        /* A tail call wants the caller's own signature; an nt_code just ignores the third register. */                \
        nt_handler entry_ = (nt_handler)nt_tb_entry(to_);                                                              \
        __attribute__((musttail)) return entry_(cpu, to_, ip);                                                         \
    } while (0)

static inline int nt_holds(const nt_cpu *cpu, int condition) {
    int n = (int64_t)cpu->nf < 0, z = cpu->zf == 0, c = cpu->cf != 0, v = cpu->vf != 0;
    switch (condition) {
    case 0: return z;
    case 1: return !z;
    case 2: return c;
    case 3: return !c;
    case 4: return n;
    case 5: return !n;
    case 6: return v;
    case 7: return !v;
    case 8: return c && !z;
    case 9: return !c || z;
    case 10: return n == v;
    case 11: return n != v;
    case 12: return !z && n == v;
    case 13: return z || n != v;
    default: return 1;
    }
}

#endif
