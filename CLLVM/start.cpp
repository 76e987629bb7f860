// LLVM's static constructors, which prepare.sh moved to a section of their own.
#include "start.h"

typedef void (*constructor)();
// The linker makes these. Without the section, because prepare.sh could not move it, they are null and all has run already.
extern "C" constructor __start_nt_llvm_init[] __attribute__((weak, visibility("hidden")));
extern "C" constructor __stop_nt_llvm_init[] __attribute__((weak, visibility("hidden")));

void startLLVM() {
    static const bool started = [] {
        for (constructor *run = __start_nt_llvm_init; run != __stop_nt_llvm_init; run++) (*run)();
        return true;
    }();
    (void)started;
}
