// A bytecode interpreter with computed goto that counts primes, argv[1] times: an indirect branch for each of its instructions.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
enum op { PUSH, LOAD, STORE, ADD, MUL, SUB, REM, LESS, JUMP, JUMPZ, READ, WRITE, DUP, DROP, HALT };
enum { LIMIT = 4000 };
static int64_t memory[LIMIT];

static int64_t run(const int16_t *code) {
    static const void *const labels[] = {&&push, &&load, &&store, &&add, &&mul, &&sub, &&rem, &&less,
                                         &&jump, &&jumpz, &&read, &&write, &&dup, &&drop, &&halt};
    int64_t stack[32], *top = stack, locals[8] = {0};
    const int16_t *at = code;
#define NEXT goto *labels[*at++]
    NEXT;
push: *++top = *at++; NEXT;
load: *++top = locals[*at++]; NEXT;
store: locals[*at++] = *top--; NEXT;
add: top--; top[0] += top[1]; NEXT;
mul: top--; top[0] *= top[1]; NEXT;
sub: top--; top[0] -= top[1]; NEXT;
rem: top--; top[0] %= top[1]; NEXT;
less: top--; top[0] = top[0] < top[1]; NEXT;
jump: at = code + *at; NEXT;
jumpz: at = *top-- ? at + 1 : code + *at; NEXT;
read: top[0] = memory[top[0]]; NEXT;
write: memory[top[-1]] = top[0]; top -= 2; NEXT;
dup: top[1] = top[0]; top++; NEXT;
drop: top--; NEXT;
halt: return *top;
}

int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 10;
    // 0 i, 1 j, 2 count, 3 checksum
    static const int16_t code[] = {
        PUSH, 2, STORE, 0,
        /* 4: while i < LIMIT */ LOAD, 0, PUSH, LIMIT, LESS, JUMPZ, 77,
        /* 11: if memory[i] == 0 */ LOAD, 0, READ, JUMPZ, 18, JUMP, 68,
        /* 18: count++, sum = (sum * 31 + i) % 10007 */ LOAD, 2, PUSH, 1, ADD, STORE, 2,
        LOAD, 3, PUSH, 31, MUL, LOAD, 0, ADD, PUSH, 10007, REM, STORE, 3,
        /* 38: j = i * i */ LOAD, 0, DUP, MUL, STORE, 1,
        /* 44: while j < LIMIT */ LOAD, 1, PUSH, LIMIT, LESS, JUMPZ, 68,
        /* 51: memory[j] = 1, j += i */ LOAD, 1, PUSH, 1, WRITE, LOAD, 1, LOAD, 0, ADD, DUP, DROP, STORE, 1, JUMP, 44, HALT,
        /* 68: i++ */ LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 4,
        /* 77 */ LOAD, 2, PUSH, 10007, MUL, LOAD, 3, ADD, HALT};
    uint64_t sum = 0;
    for (long i = 0; i < rounds; i++) {
        for (int k = 0; k < LIMIT; k++) memory[k] = k % (int)(i % 5 + 5) == 4 && k > 100;
        sum = sum * 31 + (uint64_t)run(code);
    }
    printf("%016llx\n", (unsigned long long)sum);
}
