// Prints what it was given: arguments, environment, auxiliary vector, limits, uname. What is printed is chosen by the first argument.
#define _GNU_SOURCE
#include "check.h"
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "arguments";
    if (strcmp(what, "environment") == 0) {
        for (char **e = environ; *e; e++) printf("%s\n", *e);
    } else if (strcmp(what, "stack") == 0) {
        // Uses all but a quarter of as many bytes as the second argument says.
        size_t size = strtoul(argv[2], NULL, 0) / 4 * 3;
        volatile char *area = __builtin_alloca(size);
        for (size_t i = 0; i < size; i += 4096) area[size - 1 - i] = 1;
        printf("used %zu\n", size);
    } else if (strcmp(what, "read") == 0) {
        char text[200] = {0};
        FILE *file = fopen(argv[2], "r");
        if (file && fgets(text, sizeof text, file)) printf("read: %s", text);
        else printf("cannot read\n");
    } else if (strcmp(what, "uname") == 0) {
        struct utsname name;
        uname(&name);
        printf("%s\n", name.release);
    } else if (strcmp(what, "cpu") == 0) {
        unsigned long midr;
        __asm__("mrs %0, midr_el1" : "=r"(midr));
        printf("midr %lx atomics %d\n", midr, (getauxval(AT_HWCAP) & 1 << 8) != 0);
    } else {
        for (int i = 0; i < argc; i++) printf("%d: %s\n", i, argv[i]);
        printf("execfn %s\n", (const char *)getauxval(AT_EXECFN));
    }
    return 0;
}
