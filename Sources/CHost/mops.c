// Memory copy and set (FEAT_MOPS), Option A: after the prologue the size register counts up from minus the bytes left, and the
// address registers hold the ends, but for a copy from high to low addresses, whose registers stay as they were given.
//
// How much each of the three instructions does is ours to say. As in QEMU: the prologue goes to the first end of a page, the main part
// on while a page or more is left, the epilogue does the rest. Accesses never leave a page at a time, and registers tell the
// progress before each of these parts: a fault leaves them so that the instruction goes on where it stopped, after the handler.
//
// The loops' accesses are volatile: the compiler must not make calls of memcpy or memset of them, which are outside of the section
// whose faults are the guest's.
#include "nt_helpers.h"

#define INSIDE static inline __attribute__((always_inline))
#define PAGE 4096ull

typedef nt_vec unaligned_vec __attribute__((aligned(1), may_alias));
typedef uint64_t unaligned_64 __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned_32 __attribute__((aligned(1), may_alias));
typedef uint16_t unaligned_16 __attribute__((aligned(1), may_alias));

#define AS(type, address) (*(volatile type *)(address))

/// Top-byte-ignore.
INSIDE char *host(uint64_t address) { return nt_guest_pointer((uint64_t)((int64_t)(address << 8) >> 8)); }
INSIDE uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
INSIDE uint64_t up_to_page_end(uint64_t address) { return PAGE - (address & (PAGE - 1)); }
/// Bytes of the page below an end.
INSIDE uint64_t down_to_page_start(uint64_t end) { return ((end - 1) & (PAGE - 1)) + 1; }

INSIDE void fill(char *to, uint8_t byte, uint64_t count) {
    uint64_t word = byte * 0x0101010101010101ull;
    nt_vec vector = {word, word};
    for (; count >= 64; count -= 64, to += 64) {
        AS(unaligned_vec, to) = vector;
        AS(unaligned_vec, to + 16) = vector;
        AS(unaligned_vec, to + 32) = vector;
        AS(unaligned_vec, to + 48) = vector;
    }
    for (; count >= 8; count -= 8, to += 8) AS(unaligned_64, to) = word;
    for (; count; count--, to++) AS(char, to) = (char)byte;
}

INSIDE void copy_up(char *to, const char *from, uint64_t count) {
    for (; count >= 64; count -= 64, to += 64, from += 64) {
        nt_vec a = AS(unaligned_vec, from), b = AS(unaligned_vec, from + 16);
        nt_vec c = AS(unaligned_vec, from + 32), d = AS(unaligned_vec, from + 48);
        AS(unaligned_vec, to) = a;
        AS(unaligned_vec, to + 16) = b;
        AS(unaligned_vec, to + 32) = c;
        AS(unaligned_vec, to + 48) = d;
    }
    for (; count >= 8; count -= 8, to += 8, from += 8) AS(unaligned_64, to) = AS(unaligned_64, from);
    for (; count; count--, to++, from++) AS(char, to) = AS(char, from);
}

INSIDE void copy_down(char *to, const char *from, uint64_t count) {
    while (count >= 64) {
        count -= 64;
        const char *f = from + count;
        char *t = to + count;
        nt_vec a = AS(unaligned_vec, f), b = AS(unaligned_vec, f + 16);
        nt_vec c = AS(unaligned_vec, f + 32), d = AS(unaligned_vec, f + 48);
        AS(unaligned_vec, t + 48) = d;
        AS(unaligned_vec, t + 32) = c;
        AS(unaligned_vec, t + 16) = b;
        AS(unaligned_vec, t) = a;
    }
    while (count >= 8) {
        count -= 8;
        AS(unaligned_64, to + count) = AS(unaligned_64, from + count);
    }
    while (count) {
        count--;
        AS(char, to + count) = AS(char, from + count);
    }
}

/// As memmove, inside one page at both sides.
INSIDE void move(uint64_t to, uint64_t from, uint64_t count) {
    char *t = host(to);
    const char *f = host(from);
    if (t <= f || (uint64_t)(t - f) >= count) copy_up(t, f, count);
    else copy_down(t, f, count);
}

// ---- what plugins are told -------------------------------------------------------------------------------------------

/// Of one access: log2 of its size and, for a store, bit 5 (IRPasses' MemoryAccessInfo).
#define INFO_STORE 32u

INSIDE void tell(nt_cpu *cpu, uint64_t pc, const nt_mem_records *records, uint32_t info, uint64_t address) {
    unsigned direction = info & INFO_STORE ? 2 : 1;
    for (uint64_t i = 0; i < records->count; i++) {
        const nt_mem_record *record = &records->rows[i];
        if (!(record->directions & direction)) continue;
        uint64_t *entry = (uint64_t *)((char *)cpu + record->target);
        switch (record->kind) {
        case NT_MEM_ADD: *entry += record->value; break;
        case NT_MEM_STORE: *entry = record->value; break;
        default:
            if (record->regs) {
                cpu->pc = pc;
                cpu->reg_permission = record->regs;
            }
            ((void (*)(uint32_t, uint32_t, uint64_t, uint64_t))(uintptr_t)record->target)(cpu->cpu_index, info, address,
                                                                                          record->value);
            __asm__ volatile("ldmxcsr %0" ::"m"(cpu->clean_mxcsr) : "memory");
            if (record->regs) cpu->reg_permission = 0;
        }
    }
}

/// A part was done, and the registers say so. It is told as accesses of 16 bytes and what is left as smaller ones, from the end that it
/// was begun at; a copy reads and then writes each. What was read is what stands there now.
static NT_GUEST_ACCESS_SECTION __attribute__((noinline)) void tell_part(nt_cpu *cpu, uint64_t pc, const nt_mem_records *records,
                                                                         uint64_t to, const uint64_t *from, uint64_t count,
                                                                         bool down) {
    const char *target = host(to);
    for (uint64_t done = 0, size; done < count; done += size) {
        unsigned shift = 4;
        while ((size = 1ull << shift) > count - done) shift--;
        uint64_t offset = down ? count - done - size : done;
        const char *at = target + offset;
        cpu->mem_value.hi = 0;
        switch (shift) {
        case 4: cpu->mem_value.hi = AS(unaligned_64, at + 8); // and the other half
        case 3: cpu->mem_value.lo = AS(unaligned_64, at); break;
        case 2: cpu->mem_value.lo = AS(unaligned_32, at); break;
        case 1: cpu->mem_value.lo = AS(unaligned_16, at); break;
        default: cpu->mem_value.lo = AS(uint8_t, at);
        }
        if (from) tell(cpu, pc, records, shift, (uint64_t)host(*from) + offset);
        tell(cpu, pc, records, shift | INFO_STORE, (uint64_t)at);
    }
}

/// A main part or epilogue met registers of Option B (C is set): Linux puts them back to what the prologue takes and goes there.
static _Noreturn void restart(nt_cpu *cpu, uint64_t pc, uint32_t what) {
    uint64_t size = cpu->x[NT_MOPS_SIZE(what)];
    if ((what & NT_MOPS_COPY) && cpu->nf >> 63) {
        cpu->x[NT_MOPS_TO(what)] -= size;
        cpu->x[NT_MOPS_FROM(what)] -= size;
    }
    cpu->pc = pc - 4 * NT_MOPS_STAGE(what);
    nt_leave(cpu, NT_EXIT_LOOKUP);
}

/// Leaves before the next part when somebody waits; the instruction begins again with the registers as they are.
INSIDE void poll(nt_cpu *cpu, uint64_t pc) {
    if (__builtin_expect(__atomic_load_n((uint32_t *)&cpu->exit_request, __ATOMIC_RELAXED), 0)) {
        cpu->pc = pc;
        nt_leave(cpu, NT_EXIT_REQUEST);
    }
}

INSIDE void end_prologue(nt_cpu *cpu) {
    cpu->nf = cpu->cf = cpu->vf = 0;
    cpu->zf = 1;
}

INSIDE void set_memory(nt_cpu *cpu, uint64_t pc, uint32_t what, const nt_mem_records *records) {
    uint64_t *to = &cpu->x[NT_MOPS_TO(what)], *size = &cpu->x[NT_MOPS_SIZE(what)];
    uint8_t byte = NT_MOPS_FROM(what) == 31 ? 0 : (uint8_t)cpu->x[NT_MOPS_FROM(what)];
    if (NT_MOPS_STAGE(what) == 0) {
        uint64_t at = *to, left = *size > INT64_MAX ? INT64_MAX : *size;
        uint64_t part = smaller(left, up_to_page_end(at));
        *size = left;
        fill(host(at), byte, part);
        *to = at + left;
        *size = part - left;
        end_prologue(cpu);
        if (records) tell_part(cpu, pc, records, at, NULL, part, false);
        return;
    }
    uint64_t least = NT_MOPS_STAGE(what) == 1 ? PAGE : 1;
    while (-*size >= least) {
        uint64_t at = *to + *size;
        uint64_t part = smaller(-*size, up_to_page_end(at));
        fill(host(at), byte, part);
        *size += part;
        if (records) tell_part(cpu, pc, records, at, NULL, part, false);
        if (-*size >= least) poll(cpu, pc);
    }
}

INSIDE void copy_memory(nt_cpu *cpu, uint64_t pc, uint32_t what, const nt_mem_records *records) {
    uint64_t *to = &cpu->x[NT_MOPS_TO(what)], *from = &cpu->x[NT_MOPS_FROM(what)], *size = &cpu->x[NT_MOPS_SIZE(what)];
    uint64_t t, f, part;
    if (NT_MOPS_STAGE(what) == 0) {
        uint64_t most = what & NT_MOPS_FORWARD ? INT64_MAX : 0x007fffffffffffff;
        uint64_t left = *size = smaller(*size, most);
        uint64_t low = ~0ull >> 8;
        uint64_t source = *from & low, target = *to & low;
        bool up = (what & NT_MOPS_FORWARD) || source >= target || ((*from + left) & low) <= target;
        if (up) {
            t = *to;
            f = *from;
            part = smaller(left, smaller(up_to_page_end(t), up_to_page_end(f)));
            move(t, f, part);
            *to += left;
            *from += left;
            *size = part - left;
        } else {
            t = *to + left;
            f = *from + left;
            part = smaller(left, smaller(down_to_page_start(t), down_to_page_start(f)));
            t -= part;
            f -= part;
            move(t, f, part);
            *size = left - part;
        }
        end_prologue(cpu);
        if (records) tell_part(cpu, pc, records, t, &f, part, !up);
        return;
    }
    uint64_t least = NT_MOPS_STAGE(what) == 1 ? PAGE : 1;
    if ((int64_t)*size < 0) {
        while (-*size >= least) {
            t = *to + *size;
            f = *from + *size;
            part = smaller(-*size, smaller(up_to_page_end(t), up_to_page_end(f)));
            move(t, f, part);
            *size += part;
            if (records) tell_part(cpu, pc, records, t, &f, part, false);
            if (-*size >= least) poll(cpu, pc);
        }
    } else {
        while (*size >= least) {
            t = *to + *size;
            f = *from + *size;
            part = smaller(*size, smaller(down_to_page_start(t), down_to_page_start(f)));
            t -= part;
            f -= part;
            move(t, f, part);
            *size -= part;
            if (records) tell_part(cpu, pc, records, t, &f, part, true);
            if (*size >= least) poll(cpu, pc);
        }
    }
}

NT_GUEST_ACCESS_SECTION void nt_helper_mops(nt_cpu *cpu, uint64_t pc, uint32_t what) {
    const nt_mem_records *records = cpu->mem_records;
    cpu->mem_records = NULL;
    if (NT_MOPS_STAGE(what) != 0 && cpu->cf) restart(cpu, pc, what);
    if (what & NT_MOPS_COPY) copy_memory(cpu, pc, what, records);
    else set_memory(cpu, pc, what, records);
}
