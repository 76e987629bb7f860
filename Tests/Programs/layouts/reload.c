// Loads and unloads two libraries in turns. They come to lie at the same addresses.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *first[2] = {0};
    int same = 0, wrong = 0;
    for (int i = 0; i < 200; i++) {
        void *library = dlopen(argv[1 + i % 2], RTLD_NOW);
        if (library == NULL) return printf("%s\n", dlerror()), 1;
        int (*value)(int) = (int (*)(int))dlsym(library, "value");
        for (int n = 0; n < 300; n++) wrong += value(n) != n + 100 * (i % 2);
        if (i < 2) first[i] = (void *)value;
        same += (void *)value == first[0];
        if (dlclose(library) != 0) return 2;
    }
    printf("%d arguments, wrong %d, at one address %s\n", argc, wrong, same > 100 ? "often" : "seldom");
    return 0;
}
