// A bytecode interpreter with computed goto, for the benchmark: an indirect branch every few instructions.
#include "guest.h"

enum { LOAD_A, ADD_B, XOR_ROTATED, STORE_C, ADD_C, SHIFT, MULTIPLY, NEXT };

// One round of the interpreted program; NEXT starts the next one.
static const uint8_t program[] = {
    LOAD_A, ADD_B, XOR_ROTATED, STORE_C, ADD_C, SHIFT, ADD_B, MULTIPLY, XOR_ROTATED, STORE_C, SHIFT, ADD_C, ADD_B, NEXT,
};

static uint64_t interpret(uint64_t rounds) {
    static const void *const handlers[] = {&&load_a, &&add_b, &&xor_rotated, &&store_c, &&add_c, &&shift, &&multiply, &&next};
    const uint8_t *pc = program;
    uint64_t accumulator = 0, a = 1, b = 0x9e3779b97f4a7c15, c = 3;
#define DISPATCH() goto *handlers[*pc++]
    DISPATCH();
load_a:
    accumulator = a;
    DISPATCH();
add_b:
    accumulator += b;
    DISPATCH();
xor_rotated:
    accumulator ^= accumulator << 13 | accumulator >> 51;
    DISPATCH();
store_c:
    c = accumulator;
    DISPATCH();
add_c:
    accumulator += c;
    DISPATCH();
shift:
    accumulator ^= accumulator >> 7;
    DISPATCH();
multiply:
    accumulator *= 0xbf58476d1ce4e5b9;
    DISPATCH();
next:
    a = accumulator;
    pc = program;
    if (--rounds) DISPATCH();
    return accumulator;
}

int guest_main(void) {
    guest_print_hex(interpret(4000000), 16);
    guest_print("\n");
    return 0;
}
