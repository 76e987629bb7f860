#include "nt_linux.h"
#include <stddef.h>

// At start-up Swift's runtime looks for its crash reporter beside itself, by /proc/self/exe, and ends the program when there is
// none: in a chroot without /proc. The linker sends that look-up here (--wrap in Package.swift); without a path the runtime does
// without the reporter, which would not be there for an installed emulator either.
char *__wrap_swift_copyAuxiliaryExecutablePath(const char *name);
char *__wrap_swift_copyAuxiliaryExecutablePath(const char *name) {
    (void)name;
    return NULL;
}

// A plugin may end the process by `exit` while other threads run and compile. Static C++ objects, LLVM's above all, would be destroyed
// under their hands, and nobody needs them destroyed: their registrations come here and go no further (--wrap in Package.swift). Those of
// `atexit` have no argument and are kept; libraries register theirs in libc.
int __real___cxa_atexit(void (*function)(void *), void *argument, void *library) __attribute__((weak));
int __wrap___cxa_atexit(void (*function)(void *), void *argument, void *library);
int __wrap___cxa_atexit(void (*function)(void *), void *argument, void *library) {
    return argument ? 0 : __real___cxa_atexit(function, NULL, library);
}

// Swift's CommandLine reads /proc/self/cmdline, too.
static int argument_count;
static char **arguments;

__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
    argument_count = argc;
    arguments = argv;
}

char **nt_linux_arguments(int *count) {
    *count = argument_count;
    return arguments;
}
