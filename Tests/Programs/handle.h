// Setting a handler of either kind. For sources that include check.h, too.
#ifndef HANDLE_H
#define HANDLE_H

#include <signal.h>
#include <string.h>

static void handle(int signal, void *handler, int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    // One place in memory for both kinds; SA_SIGINFO says which it is.
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
    action.sa_flags = flags;
    CHECK(sigaction(signal, &action, NULL) == 0);
}

#endif
