// Guest memory handlers. `point` goes to cpu->fault_point before the access; imm is the displacement.
#include "handlers.h"

// Aligned guest accesses must be single host instructions; the volatile unaligned types make them so.
typedef volatile uint16_t __attribute__((aligned(1))) u16_mem;
typedef volatile uint32_t __attribute__((aligned(1))) u32_mem;
typedef volatile uint64_t __attribute__((aligned(1))) u64_mem;
typedef volatile uint8_t u8_mem;

#define PLACE(address) nt_guest_pointer(address)
#define NOTE cpu->fault_point = ip->point

#define LOAD(name, mem, type)                                                                                          \
    HANDLER(name) { NOTE; LET((type)*(mem *)PLACE(A64 + ip->imm)); }                                                   \
    HANDLER(name##_f) { NOTE; LET((type)*(mem *)PLACE(acc + ip->imm)); }
LOAD(load_u8, u8_mem, uint8_t)
LOAD(load_u16, u16_mem, uint16_t)
LOAD(load_u32, u32_mem, uint32_t)
LOAD(load_u64, u64_mem, uint64_t)
#define LOAD_SIGNED(name, mem, narrow, wide)                                                                           \
    HANDLER(name) { NOTE; LET((wide)(narrow) * (mem *)PLACE(A64 + ip->imm)); }                                         \
    HANDLER(name##_f) { NOTE; LET((wide)(narrow) * (mem *)PLACE(acc + ip->imm)); }
LOAD_SIGNED(load_s8_32, u8_mem, int8_t, uint32_t)
LOAD_SIGNED(load_s8_64, u8_mem, int8_t, uint64_t)
LOAD_SIGNED(load_s16_32, u16_mem, int16_t, uint32_t)
LOAD_SIGNED(load_s16_64, u16_mem, int16_t, uint64_t)
LOAD_SIGNED(load_s32_64, u32_mem, int32_t, uint64_t)

static inline v2u64 load128(uint64_t address) {
    v2u64 value;
    memcpy(&value, PLACE(address), 16);
    return value;
}
HANDLER(load_128) { NOTE; v2u64 value = load128(A64 + ip->imm); DV(v2u64) = value; NEXT; }
#define LOAD_ZEXT(name, mem)                                                                                           \
    HANDLER(name) { NOTE; uint64_t value = *(mem *)PLACE(A64 + ip->imm); DV(v2u64) = (v2u64){value, 0}; NEXT; }
LOAD_ZEXT(load_zext128_8, u8_mem)
LOAD_ZEXT(load_zext128_16, u16_mem)
LOAD_ZEXT(load_zext128_32, u32_mem)
LOAD_ZEXT(load_zext128_64, u64_mem)

// Fused base + index: the fault point is in the low half of imm.
#define NOTE_X cpu->fault_point = ip->imm_low
#define LOAD_X(name, mem) HANDLER(name) { NOTE_X; LET(*(mem *)PLACE(A64 + B64)); }
LOAD_X(load_x_u8, u8_mem)
LOAD_X(load_x_u16, u16_mem)
LOAD_X(load_x_u32, u32_mem)
LOAD_X(load_x_u64, u64_mem)
#define STORE_X(name, mem, type) HANDLER(name) { NOTE_X; *(mem *)PLACE(A64 + B64) = (type)D64; NEXT; }
STORE_X(store_x_8, u8_mem, uint8_t)
STORE_X(store_x_16, u16_mem, uint16_t)
STORE_X(store_x_32, u32_mem, uint32_t)
STORE_X(store_x_64, u64_mem, uint64_t)

// d = the value's offset.
#define STORE(name, mem, type)                                                                                         \
    HANDLER(name) { NOTE; *(mem *)PLACE(A64 + ip->imm) = (type)D64; NEXT; }                                            \
    HANDLER(name##_f) { NOTE; *(mem *)PLACE(acc + ip->imm) = (type)D64; NEXT; }                                        \
    HANDLER(name##_v) { NOTE; *(mem *)PLACE(A64 + ip->imm) = (type)acc; NEXT; }
STORE(store_8, u8_mem, uint8_t)
STORE(store_16, u16_mem, uint16_t)
STORE(store_32, u32_mem, uint32_t)
STORE(store_64, u64_mem, uint64_t)
HANDLER(store_128) {
    NOTE;
    v2u64 value = DV(v2u64);
    memcpy(PLACE(A64 + ip->imm), &value, 16);
    NEXT;
}
// LDP and STP of X registers: d first, imm_low displacement (sign-extended), imm_high the second register's offset.
HANDLER(load_pair_64) {
    NOTE;
    uint64_t address = A64 + (uint64_t)(int64_t)(int32_t)ip->imm_low;
    uint64_t low = *(u64_mem *)PLACE(address), high = *(u64_mem *)PLACE(address + 8);
    D64 = low;
    AT(uint64_t, ip->imm_high) = high;
    NEXT;
}
HANDLER(store_pair_64) {
    NOTE;
    uint64_t address = A64 + (uint64_t)(int64_t)(int32_t)ip->imm_low;
    uint64_t low = D64, high = AT(uint64_t, ip->imm_high);
    *(u64_mem *)PLACE(address) = low;
    *(u64_mem *)PLACE(address + 8) = high;
    NEXT;
}

// The rest is two cells: the second holds size (a), flags (b) or the third operand (c) and the fault point (imm_low).
#define NOTE_2 cpu->fault_point = ip[1].imm_low
#define SIZE ip[1].a
#define NEXT_2 NEXT_AT(ip + 2)

HANDLER(load_acquire) { NOTE_2; D64 = nt_guest_load_acquire(cpu, A64 + ip->imm, SIZE); NEXT_2; }
HANDLER(load_acquire_signed) {
    NOTE_2;
    uint64_t value = nt_guest_load_acquire(cpu, A64 + ip->imm, SIZE);
    int shift = 64 - (8 << SIZE);
    D64 = (uint64_t)((int64_t)(value << shift) >> shift) & (ip[1].b ? UINT32_MAX : UINT64_MAX);
    NEXT_2;
}
HANDLER(load_acquire_128) { NOTE_2; nt_vec value = nt_guest_load_acquire16(cpu, A64 + ip->imm); DV(nt_vec) = value; NEXT_2; }
HANDLER(store_release) { NOTE_2; nt_guest_store_release(cpu, A64 + ip->imm, D64, SIZE); NEXT_2; }
HANDLER(store_release_128) { NOTE_2; nt_guest_store_release16(cpu, A64 + ip->imm, DV(nt_vec)); NEXT_2; }
HANDLER(load_exclusive) { NOTE_2; D64 = nt_guest_load_exclusive(cpu, A64, SIZE); NEXT_2; }
HANDLER(load_exclusive_128) { NOTE_2; nt_vec value = nt_guest_load_exclusive16(cpu, A64); DV(nt_vec) = value; NEXT_2; }
HANDLER(store_exclusive) { NOTE_2; D64 = nt_guest_store_exclusive(cpu, A64, B64, SIZE); NEXT_2; }
HANDLER(store_exclusive_128) { NOTE_2; D64 = nt_guest_store_exclusive16(cpu, A64, BV(nt_vec)); NEXT_2; }
HANDLER(clear_exclusive) { cpu->exclusive_size = 0; NEXT; }
HANDLER(atomic_rmw) { NOTE_2; D64 = nt_guest_rmw(cpu, A64, B64, ip->c, SIZE); NEXT_2; }
HANDLER(compare_and_swap) { NOTE_2; D64 = nt_guest_cas(cpu, A64, B64, C64, SIZE); NEXT_2; }
HANDLER(compare_and_swap_128) {
    NOTE_2;
    nt_vec old = nt_guest_cas16(cpu, A64, BV(nt_vec), CV(nt_vec));
    DV(nt_vec) = old;
    NEXT_2;
}
HANDLER(fence) {
    // x86 keeps all orders but store-load.
    if (ip->imm == 2) __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else __atomic_signal_fence(__ATOMIC_SEQ_CST);
    NEXT;
}
HANDLER(zero_block) { NOTE; nt_guest_zero_block(cpu, A64); NEXT; }
