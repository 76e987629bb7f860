// The first tagged addresses of a guest meet compiled code that does not drop tags: the host refuses them as not canonical. Until
// that code is made anew, each such access is helped: the tag is taken from the host register, the instruction is stepped over by
// the trap flag, and the register is put back. Only where the instruction's memory operand stands need be known, and which general
// register it writes (Intel SDM volume 2, chapter 2: instruction format; appendix A: opcode map).
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tagged_access.h"
#include <signal.h>
#include <stdint.h>
#include <string.h>

/// One instruction under way in this thread.
struct step {
    bool active;
    int slot;            // index in gregs of the register that had the tag
    uint64_t original;   // its value with the tag
    uint64_t write_mask; // bits of it that the instruction writes; 0 none
    bool trap_blocked;   // SIGTRAP was in the signal mask
};
static _Thread_local struct step step __attribute__((tls_model("initial-exec")));
static struct sigaction trap_before;
static _Atomic(int) steppers;

/// The register numbers of the instruction encoding in gregs.
static const int greg_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

struct operand {
    int base, index;     // register numbers; -1 none
    int scale;
    uint64_t writes[16]; // bits that the instruction writes of each general register
};

/// What an instruction of opcode map 0 or 1 writes of ModRM.reg; `size` is the operand size in bytes. -1: cannot be helped.
static int64_t reg_written(int map, uint8_t opcode, int size) {
    int64_t whole = size == 2 ? 0xffff : INT64_MAX;
    if (map == 0) {
        switch (opcode) {
        case 0x02: case 0x0a: case 0x12: case 0x1a: case 0x22: case 0x2a: case 0x32: case 0x8a: case 0x86: return 0xff;
        case 0x03: case 0x0b: case 0x13: case 0x1b: case 0x23: case 0x2b: case 0x33: case 0x8b: case 0x63: case 0x69: case 0x6b:
        case 0x87: return whole;
        // The others of the map that have a ModRM byte read the register, or have none there.
        case 0x00: case 0x01: case 0x08: case 0x09: case 0x10: case 0x11: case 0x18: case 0x19: case 0x20: case 0x21: case 0x28:
        case 0x29: case 0x30: case 0x31: case 0x38: case 0x39: case 0x3a: case 0x3b: case 0x80: case 0x81: case 0x83: case 0x84:
        case 0x85: case 0x88: case 0x89: case 0xc0: case 0xc1: case 0xc6: case 0xc7: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
        case 0xf6: case 0xf7: case 0xfe: case 0xff: return 0;
        default: return -1;
        }
    }
    if (opcode >= 0x90 && opcode <= 0x9f) return 0; // SETcc
    switch (opcode) {
    case 0xaf: case 0xb6: case 0xb7: case 0xbe: case 0xbf: case 0xbc: case 0xbd: case 0xb8: case 0xc1: case 0x2c: case 0x2d:
        return whole;
    case 0xc0: return 0xff;
    // Bit tests, shifts, compare-and-exchange, and everything on vector registers.
    default: return opcode >= 0x40 && opcode <= 0x4f ? -1 : 0;
    }
}

static bool decode(const uint8_t *p, struct operand *o) {
    memset(o, 0, sizeof *o);
    bool narrow = false;
    for (;; p++) {
        if (*p == 0x66) narrow = true;
        else if (*p != 0xf2 && *p != 0xf3 && *p != 0xf0 && *p != 0x2e && *p != 0x3e) break;
    }
    int rex = 0, map = 0;
    bool extended = false;
    int vvvv = -1;
    uint8_t opcode;
    if (*p == 0xc5) {
        rex = (~p[1] >> 7 & 1) << 2;
        vvvv = ~p[1] >> 3 & 15;
        map = 1, extended = true;
        opcode = p[2], p += 3;
    } else if (*p == 0xc4) {
        rex = (~p[1] >> 7 & 1) << 2 | (~p[1] >> 6 & 1) << 1 | (~p[1] >> 5 & 1);
        vvvv = ~p[2] >> 3 & 15;
        map = p[1] & 31, extended = true;
        opcode = p[3], p += 4;
    } else if (*p == 0x62) {
        rex = (~p[1] >> 7 & 1) << 2 | (~p[1] >> 6 & 1) << 1 | (~p[1] >> 5 & 1);
        map = p[1] & 7, extended = true;
        opcode = p[4], p += 5;
    } else {
        if ((*p & 0xf0) == 0x40) rex = *p++;
        if (*p == 0x0f) {
            map = 1, p++;
            if (*p == 0x38) map = 2, p++;
            else if (*p == 0x3a) map = 3, p++;
        }
        opcode = *p++;
    }
    uint8_t modrm = *p;
    if (modrm >> 6 == 3) return false;
    int reg = (modrm >> 3 & 7) | (rex & 4 ? 8 : 0);
    o->index = -1;
    if ((modrm & 7) == 4) {
        uint8_t sib = p[1];
        o->base = (sib & 7) == 5 && modrm >> 6 == 0 ? -1 : (sib & 7) | (rex & 1 ? 8 : 0);
        int index = (sib >> 3 & 7) | (rex & 2 ? 8 : 0);
        if (index != 4) o->index = index;
        o->scale = 1 << (sib >> 6);
    } else {
        if ((modrm & 7) == 5 && modrm >> 6 == 0) return false; // relative to RIP
        o->base = (modrm & 7) | (rex & 1 ? 8 : 0);
    }
    int size = rex & 8 ? 8 : narrow ? 2 : 4;
    if (extended) {
        // Of these only BMI1 and BMI2 have general registers: two results of MULX, else ModRM.reg or VEX.vvvv.
        if (map == 2 && opcode >= 0xf0) {
            o->writes[reg] = ~(uint64_t)0;
            if (vvvv >= 0) o->writes[vvvv] = ~(uint64_t)0;
            if ((reg == o->base || vvvv == o->base) && opcode != 0xf2 && opcode != 0xf7) return false;
        }
        if (map == 3 && opcode == 0xf0) o->writes[reg] = ~(uint64_t)0; // RORX
        if (map == 1 && (opcode == 0x2c || opcode == 0x2d)) o->writes[reg] = ~(uint64_t)0;
        return true;
    }
    if (map >= 2) {
        if (opcode == 0xf0 || (map == 2 && opcode == 0xf6)) o->writes[reg] = ~(uint64_t)0;
        return true;
    }
    int64_t written = reg_written(map, opcode, size);
    if (written < 0) return false;
    // AH and its like.
    if (written == 0xff && !rex && reg >= 4) return false;
    o->writes[reg] = written == INT64_MAX ? ~(uint64_t)0 : (uint64_t)written;
    bool multiplies = map == 0 && (opcode == 0xf6 || opcode == 0xf7) && (modrm >> 3 & 7) >= 4;
    bool exchanges = map == 1 && (opcode == 0xb0 || opcode == 0xb1 || opcode == 0xc7);
    if (multiplies || exchanges) {
        // Whether and how much of them is written depends; an address is not in them.
        if (o->base == 0 || o->base == 2 || o->index == 0 || o->index == 2) return false;
    }
    return true;
}

static uint64_t without_tag(uint64_t address) { return (uint64_t)((int64_t)(address << 8) >> 8); }

static void finish(ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    uint64_t now = (uint64_t)registers[step.slot];
    registers[step.slot] = (greg_t)((step.original & ~step.write_mask) | (now & step.write_mask));
    registers[REG_EFL] &= ~0x100ll;
    if (step.trap_blocked) sigaddset(&context->uc_sigmask, SIGTRAP);
    step.active = false;
    // The last one out restores the guest's or the host's own handler.
    if (__c11_atomic_fetch_sub(&steppers, 1, __ATOMIC_ACQ_REL) == 1) sigaction(SIGTRAP, &trap_before, NULL);
}

static void on_trap(int signal, siginfo_t *info, void *context) {
    if (step.active) {
        finish(context);
        return;
    }
    // Somebody sent it meanwhile.
    if (trap_before.sa_flags & SA_SIGINFO) trap_before.sa_sigaction(signal, info, context);
    else if (trap_before.sa_handler != SIG_DFL && trap_before.sa_handler != SIG_IGN) trap_before.sa_handler(signal);
}

bool nt_step_tagged_access(ucontext_t *context) {
    greg_t *registers = context->uc_mcontext.gregs;
    struct operand operand;
    if (step.active || !decode((const uint8_t *)registers[REG_RIP], &operand)) return false;
    int number = operand.base;
    if (number < 0 || without_tag((uint64_t)registers[greg_of[number]]) == (uint64_t)registers[greg_of[number]]) {
        number = operand.index;
        if (number < 0 || operand.scale != 1) return false;
    }
    uint64_t original = (uint64_t)registers[greg_of[number]];
    if (without_tag(original) == original) return false;
    if (__c11_atomic_fetch_add(&steppers, 1, __ATOMIC_ACQ_REL) == 0) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = on_trap;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigfillset(&action.sa_mask);
        sigaction(SIGTRAP, &action, &trap_before);
    }
    step = (struct step){true, greg_of[number], original, operand.writes[number], sigismember(&context->uc_sigmask, SIGTRAP) == 1};
    sigdelset(&context->uc_sigmask, SIGTRAP);
    registers[greg_of[number]] = (greg_t)without_tag(original);
    registers[REG_EFL] |= 0x100;
    return true;
}

bool nt_tagged_access_failed(ucontext_t *context) {
    if (!step.active) return false;
    step.write_mask = 0;
    finish(context);
    return true;
}
