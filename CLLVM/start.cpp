// LLVM's static constructors, which prepare.sh moved to a section of their own.
#include "start.h"

#include "llvm-c/Target.h"
#include "llvm/Support/TargetSelect.h"

typedef void (*constructor)();
// The linker makes these. Without the section, because prepare.sh could not move it, they are null and all has run already.
extern "C" constructor __start_nt_llvm_init[] __attribute__((weak, visibility("hidden")));
extern "C" constructor __stop_nt_llvm_init[] __attribute__((weak, visibility("hidden")));

void startLLVM() {
    static const bool started = [] {
        for (constructor *run = __start_nt_llvm_init; run != __stop_nt_llvm_init; run++) (*run)();
        // All targets here and none later: the registry has no lock, and who makes a compiler walks it.
        LLVMInitializeNativeTarget();
        LLVMInitializeNativeAsmPrinter();
        // Of inline assembly.
        LLVMInitializeNativeAsmParser();
        LLVMInitializeNativeDisassembler();
        LLVMInitializeAArch64TargetInfo();
        LLVMInitializeAArch64TargetMC();
        LLVMInitializeAArch64Disassembler();
        return true;
    }();
    (void)started;
}
