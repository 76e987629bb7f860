// The LLVM-C headers Needletail uses, and the few things only LLVM's C++ interface can do.
#ifndef NEEDLETAIL_LLVM_H
#define NEEDLETAIL_LLVM_H

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Disassembler.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One compiler: a TargetMachine for this host, a kept code-generation pass manager, and a linker into executable memory.
typedef struct nt_jit nt_jit;

/// Code of one module in executable memory.
typedef struct nt_jit_code nt_jit_code;

/// Told of each [start, end) that code may lie in from now on, to the end of the process. False refuses it.
typedef bool (*nt_jit_slab_fn)(const void *start, const void *end);

/// Makes a compiler for the host CPU.
/// - Parameter opt_level: code generation effort, 0...3. 0 selects FastISel.
/// - Parameter slab: called for each slab of memory before code is put there; may be NULL.
/// - Parameter neighbour: an address that the code will often call; 0 for the emulator's own functions.
/// - Parameter error: receives a malloc'ed line on failure.
/// - Returns: NULL on failure. Threads: any may make one; one at a time may use it, also to free its code. Several work at a time.
nt_jit *nt_jit_create(int opt_level, nt_jit_slab_fn slab, uintptr_t neighbour, char **error);
void nt_jit_destroy(nt_jit *jit);

/// Target triple and data layout string for modules; owned by the jit.
const char *nt_jit_triple(nt_jit *jit);
const char *nt_jit_data_layout(nt_jit *jit);

/// Gives `name` the value `address` for code linked later.
/// - Returns: false, with `error`, when the name has a value already.
bool nt_jit_define(nt_jit *jit, const char *name, uint64_t address, char **error);

/// Generates a relocatable object from `module`, which is consumed (its context is not): nt_jit_object's.
void nt_jit_emit(nt_jit *jit, LLVMModuleRef module);

/// The object that the last nt_jit_emit made; valid until the next one.
const void *nt_jit_object(const nt_jit *jit, size_t *size);

/// Links an object of nt_jit_object's, made in this process or another. Its external symbols are those of nt_jit_define and of the
/// C library and libgcc, which the code generator also names by itself (memcpy, memset, __udivti3...).
/// - Parameter names: `count` function names, whose addresses go to `addresses`. No two live objects may define the same one.
/// - Parameter error: receives a malloc'ed line on failure.
/// - Returns: the code, to be freed with nt_jit_free; NULL and `error` on failure.
nt_jit_code *nt_jit_link(nt_jit *jit, const void *object, size_t size, const char *const *names, size_t count,
                         uint64_t *addresses, char **error);

/// Frees executable memory; no thread may be in it.
void nt_jit_free(nt_jit *jit, nt_jit_code *code);

/// Address range of the executable memory of `code`.
void nt_jit_code_range(const nt_jit_code *code, uint64_t *start, uint64_t *end);

/// Where an instruction of guest access goes on when it faults: host addresses, and a number for whoever is told of the fault.
typedef struct nt_fault_way {
    uint64_t access;
    uint64_t target;
    uint64_t point;
} nt_fault_way;

/// What the section .nt_faults of the object says, in order of `access`; lives as long as `code`.
const nt_fault_way *nt_jit_code_faults(const nt_jit_code *code, size_t *count);

/// Runs passes on `module`, named as `opt -passes` names them. Ends the process when it cannot parse the names.
void nt_jit_optimize(nt_jit *jit, LLVMModuleRef module, const char *passes);

/// A disassembler; NULL when LLVM lacks the target. Threads: one at a time.
LLVMDisasmContextRef nt_disassembler_host(void);
LLVMDisasmContextRef nt_disassembler_a64(void);

#ifdef __cplusplus
}
#endif
#endif
