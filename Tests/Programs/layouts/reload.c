// Loads and unloads two libraries in turns. Mostly they come to lie at the same addresses.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
        void *library = dlopen(argv[1 + i % 2], RTLD_NOW);
        if (library == NULL) return printf("%s\n", dlerror()), 1;
        int (*value)(int) = (int (*)(int))dlsym(library, "value");
        for (int n = 0; n < 300; n++) wrong += value(n) != n + 100 * (i % 2);
        if (dlclose(library) != 0) return 2;
    }
    printf("%d arguments, wrong %d\n", argc, wrong);
    return 0;
}
