// Disassemblers for the host's code and the guest's.
#include "needletail_llvm.h"
#include "start.h"

#include "llvm/TargetParser/Host.h"

// Immediates in hex, as QEMU's disassembly has them.
static LLVMDisasmContextRef make(const char *triple, const char *cpu, const char *features) {
    auto *context = LLVMCreateDisasmCPUFeatures(triple, cpu, features, nullptr, 0, nullptr, nullptr);
    if (context) LLVMSetDisasmOptions(context, LLVMDisassembler_Option_PrintImmHex);
    return context;
}

extern "C" LLVMDisasmContextRef nt_disassembler_host(void) {
    startLLVM();
    return make(llvm::sys::getDefaultTargetTriple().c_str(), "", "");
}

extern "C" LLVMDisasmContextRef nt_disassembler_a64(void) {
    startLLVM();
    return make("aarch64-linux-gnu", "",
                "+v8.6a,+crc,+lse,+fullfp16,+fp16fml,+aes,+sha2,+sha3,+sm4,+bf16,+i8mm,+dotprod,+rdm,+complxnum,+jsconv,"
                "+fptoint,+flagm,+altnzcv,+rcpc,+rcpc-immo,+lse2,+mops,+pauth,+bti,+rand,+ssbs,+sb,+ccdp,+predres,+dit,"
                "+wfxt,+hbc,+cssc");
}
