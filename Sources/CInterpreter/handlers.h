// Shared by the files of handlers.
#ifndef NT_HANDLERS_H
#define NT_HANDLERS_H

#include "CInterpreter.h"
#include <string.h>

/// Guest accesses happen in handlers, so all of them lie in the section whose faults are the guest's.
#define HANDLER(name)                                                                                                  \
    NT_GUEST_ACCESS_SECTION NT_PRESERVE_NONE uint64_t nt_op_##name(nt_cpu *cpu, nt_tb *tb, const nt_op *ip, uint64_t acc)

#define NEXT_AT(cell)                                                                                                  \
    do {                                                                                                               \
        const nt_op *next_ = (cell);                                                                                   \
        __attribute__((musttail)) return next_->handler(cpu, tb, next_, acc);                                               \
    } while (0)
#define NEXT NEXT_AT(ip + 1)
/// The result of a value operation.
#define LET(expression) D64 = acc = (expression); NEXT
#define LET_D(expression) AT(uint64_t, d_) = acc = (expression); NEXT

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
        /* A tail call wants the caller's own signature; an nt_code just ignores the other registers. */               \
        nt_handler entry_ = (nt_handler)nt_tb_entry(to_);                                                              \
        __attribute__((musttail)) return entry_(cpu, to_, ip, acc);                                                         \
    } while (0)

// Three operands from one load; c is 0 in these cells.
#define OPERANDS(type)                                                                                                 \
    uint64_t operands_ = ip->operands;                                                                                 \
    uint64_t d_ = (uint16_t)operands_;                                                                                 \
    type a = AT(type, (uint32_t)operands_ >> 16), b = AT(type, operands_ >> 32)
#define OPERANDS_FIRST(type)                                                                                           \
    uint64_t operands_ = ip->operands;                                                                                 \
    uint64_t d_ = (uint16_t)operands_;                                                                                 \
    type a = (type)acc, b = AT(type, operands_ >> 32)
#define OPERANDS_SECOND(type)                                                                                          \
    uint32_t operands_ = (uint32_t)ip->operands;                                                                       \
    uint64_t d_ = (uint16_t)operands_;                                                                                 \
    type a = AT(type, operands_ >> 16), b = (type)acc
#define OPERANDS_FIRST_IMM(type, immediate)                                                                            \
    uint64_t d_ = ip->d;                                                                                               \
    type a = (type)acc, b = immediate
#define OPERANDS_IMM(type, immediate)                                                                                  \
    uint32_t operands_ = (uint32_t)ip->operands;                                                                       \
    uint64_t d_ = (uint16_t)operands_;                                                                                 \
    type a = AT(type, operands_ >> 16), b = immediate

// NZCV as nt_cpu keeps it: nf's bit 63 is N, zf == 0 is Z, cf and vf are 0 or 1.
#define SET_FLAGS(signed_result, carry, overflow)                                                                      \
    cpu->nf = cpu->zf = (uint64_t)(int64_t)(signed_result);                                                            \
    cpu->cf = (carry);                                                                                                 \
    cpu->vf = (overflow)

#define ADD_FLAGS(stype, shift)                                                                                        \
    SET_FLAGS((stype)r, r < a, ((a ^ r) & (b ^ r)) >> shift)
#define SUB_FLAGS(stype, shift)                                                                                        \
    SET_FLAGS((stype)r, a >= b, ((a ^ b) & (a ^ r)) >> shift)
#define LOGIC_FLAGS(stype, shift) SET_FLAGS((stype)r, 0, 0)

// c bit n: slot n leads backward, so the exit request is polled before it is taken.
#define TAKE_SLOT(n)                                                                                                   \
    do {                                                                                                               \
        nt_slot *slot_ = &tb->slots[n];                                                                                \
        if (__builtin_expect((ip->c >> (n) & 1) && __atomic_load_n((uint32_t *)&cpu->exit_request, __ATOMIC_RELAXED), 0)) { \
            cpu->pc = slot_->pc;                                                                                       \
            return NT_EXIT_REQUEST;                                                                                    \
        }                                                                                                              \
        JUMP_TO(nt_slot_target(slot_));                                                                                \
    } while (0)
#define BRANCH(taken)                                                                                                  \
    do {                                                                                                               \
        if (taken) TAKE_SLOT(0);                                                                                       \
        TAKE_SLOT(1);                                                                                                  \
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
