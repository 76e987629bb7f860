# The compiler, the assembler, the linker, make and what they made.
# set: large
# seconds: 600
cat >a.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <pthread.h>
#include "b.h"
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void *run(void *p) { long s = 0; for (long i = 0; i < 1000000; i++) s += i ^ (long)p; return (void *)s; }
int main(int argc, char **argv) {
    int v[1000]; unsigned x = 1;
    for (int i = 0; i < 1000; i++) v[i] = (x = x * 1664525 + 1013904223) >> 8;
    qsort(v, 1000, sizeof *v, compare);
    pthread_t t[3]; for (long i = 0; i < 3; i++) pthread_create(&t[i], 0, run, (void *)i);
    long sum = 0; void *r; for (int i = 0; i < 3; i++) pthread_join(t[i], &r), sum += (long)r;
    printf("%d %d %ld %.12f %d %s\n", v[0], v[999], sum, sin(1) + sqrt(2), triple(argc), argv[1]);
}
END
echo 'int triple(int);' >b.h; echo '#include "b.h"
int triple(int x) { return 3 * x; }' >b.c
cat >c.cc <<'END'
#include <atomic>
#include <iostream>
#include <map>
#include <regex>
#include <stdexcept>
#include <thread>
#include <vector>
struct Base { virtual ~Base() = default; virtual int f() const { return 1; } };
struct Derived : Base { int f() const override { return 2; } };
int main() {
    std::map<std::string, int> m; for (int i = 0; i < 1000; i++) m["k" + std::to_string(i % 37)] += i;
    try { throw std::runtime_error("caught"); } catch (const std::exception &e) { std::cout << e.what() << ' ' << m["k5"]; }
    Base *b = new Derived; std::vector<std::thread> t; std::atomic<int> n = 0; for (int i = 0; i < 4; i++) t.emplace_back([&] { for (int j = 0; j < 1000; j++) n++; });
    for (auto &x : t) x.join();
    std::cout << ' ' << dynamic_cast<Derived *>(b)->f() << ' ' << n << ' ' << std::regex_replace("a1b22", std::regex("[0-9]+"), "#") << std::endl; delete b;
}
END
printf 'CFLAGS = -O2 -Wall\nall: prog cxx libb.so asm\nprog: a.o b.o\n\t$(CC) -o $@ $^ -lm -pthread\nlibb.so: b.c\n\t$(CC) -shared -fPIC -o $@ $<\ncxx: c.cc\n\t$(CXX) -O1 -o $@ $< -pthread\nasm: s.S\n\t$(CC) -o $@ $<\na.o b.o: b.h\nclean:\n\trm -f *.o prog cxx asm libb.so\n' >Makefile
cat >s.S <<'END'
#ifdef __aarch64__
    .globl main
main: stp x29, x30, [sp, #-16]!
    adr x0, text
    bl puts
    mov w0, #0
    ldp x29, x30, [sp], #16
    ret
#else
    .globl main
main: sub $8, %rsp
    lea text(%rip), %rdi
    call puts@plt
    xor %eax, %eax
    add $8, %rsp
    ret
#endif
text: .asciz "assembled"
    .section .note.GNU-stack,"",%progbits
END
make -s -j4 2>&1; ./prog hello; ./cxx; ./asm; make -q && echo up to date; touch b.h; make -n | wc -l; objdump -d prog | grep -c '<triple>:'; nm libb.so | grep ' T triple' | wc -l; ar rc l.a b.o && ar t l.a; strip prog && ./prog stripped; gcc -O0 -S -o - b.c | grep -c 'triple:'; echo 'int f( {' | gcc -xc -c - 2>&1 | grep -c error; gcc -static -O2 a.c b.c -o st -lm && ./st static
printf 'int main(int c, char **v) { int *p = 0; return c > 1 ? *p : 0; }' | gcc -xc - -o crash; ./crash; echo $?; bash -c './crash x; exit $?' 2>/dev/null; echo $?
