// The ORC shim: what LLVM-C cannot do is keep one code-generation pass manager for many modules, and building that pipeline
// anew costs more than compiling a small module.
#include "needletail_llvm.h"
#include "start.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/MapperJITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/MemoryMapper.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCContext.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm-c/Target.h"
#include "llvm/ExecutionEngine/Orc/Shared/ExecutorSymbolDef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <cstring>
#include <memory>
#include <sys/mman.h>

using namespace llvm;
using namespace llvm::orc;

struct nt_jit_code {
    ResourceTrackerSP tracker;
    uint64_t start = ~uint64_t(0);
    uint64_t end = 0;
    std::vector<nt_fault_way> faults;
};

namespace {

constexpr const char faultSection[] = ".nt_faults";

/// Learns where a linked module's executable memory lies, and where its accesses go on when they fault.
class CodeRangePlugin : public ObjectLinkingLayer::Plugin {
public:
    nt_jit_code *current = nullptr;

    void modifyPassConfig(MaterializationResponsibility &, jitlink::LinkGraph &, jitlink::PassConfiguration &config) override {
        config.PrePrunePasses.push_back([](jitlink::LinkGraph &graph) -> Error {
            // Nothing names its entries.
            if (auto *section = graph.findSectionByName(faultSection)) {
                section->setMemLifetime(MemLifetime::Finalize);
                for (auto *block : section->blocks()) graph.addAnonymousSymbol(*block, 0, block->getSize(), false, true);
            }
            return Error::success();
        });
        config.PostFixupPasses.push_back([this](jitlink::LinkGraph &graph) -> Error {
            auto *section = graph.findSectionByName(faultSection);
            if (!current || !section) return Error::success();
            for (auto *block : section->blocks()) {
                auto bytes = block->getContent();
                size_t count = bytes.size() / sizeof(nt_fault_way), before = current->faults.size();
                current->faults.resize(before + count);
                memcpy(current->faults.data() + before, bytes.data(), count * sizeof(nt_fault_way));
            }
            llvm::sort(current->faults, [](auto &a, auto &b) { return a.access < b.access; });
            return Error::success();
        });
        config.PostAllocationPasses.push_back([this](jitlink::LinkGraph &graph) -> Error {
            if (!current) return Error::success();
            for (auto &section : graph.sections()) {
                if ((section.getMemProt() & MemProt::Exec) == MemProt::None) continue;
                for (auto *block : section.blocks()) {
                    uint64_t from = block->getAddress().getValue();
                    current->start = std::min(current->start, from);
                    current->end = std::max<uint64_t>(current->end, from + block->getSize());
                }
            }
            return Error::success();
        });
    }
    Error notifyFailed(MaterializationResponsibility &) override { return Error::success(); }
    Error notifyRemovingResources(JITDylib &, ResourceKey) override { return Error::success(); }
    void notifyTransferringResources(JITDylib &, ResourceKey, ResourceKey) override {}
};

/// Tells where code may lie from now on: per slab, which are few, and not per module.
///
/// Slabs lie in the same 4 GiB of addresses, counted from a multiple of 4 GiB, as what their code calls most, where there is room:
/// processors of AMD keep the low half of a branch's target, and a call to another such range takes 1 ns more.
class SlabMapper final : public InProcessMemoryMapper {
public:
    SlabMapper(size_t pageSize, nt_jit_slab_fn slab, uintptr_t neighbour)
        : InProcessMemoryMapper(pageSize), slab(slab), neighbour(neighbour) {}
    ~SlabMapper() override {
        for (auto [start, size] : placed) munmap(start, size);
    }

    static Expected<std::unique_ptr<SlabMapper>> Create(nt_jit_slab_fn slab, uintptr_t neighbour) {
        auto pageSize = sys::Process::getPageSize();
        if (!pageSize) return pageSize.takeError();
        return std::make_unique<SlabMapper>(*pageSize, slab, neighbour);
    }

    void reserve(size_t size, OnReservedFunction done) override {
        auto report = [this, done = std::move(done)](Expected<ExecutorAddrRange> range) mutable {
            if (range && slab && !slab(range->Start.toPtr<const void *>(), range->End.toPtr<const void *>())) {
                done(createStringError("too many slabs of code"));
                return;
            }
            done(std::move(range));
        };
        if (void *start = reserveNearby(size)) {
            placed.push_back({start, size});
            report(ExecutorAddrRange(ExecutorAddr::fromPtr(start), size));
        } else {
            InProcessMemoryMapper::reserve(size, std::move(report));
        }
    }

private:
    nt_jit_slab_fn slab;
    uintptr_t neighbour;
    /// What the base class does not know of.
    std::vector<std::pair<void *, size_t>> placed;

    /// Free addresses below the neighbour, where nothing grows, else above; NULL when there are none.
    void *reserveNearby(size_t size) const {
        const uintptr_t window = neighbour >> 32, middle = neighbour & -size;
        // The lowest addresses are the guest's.
        if (window == 0) return nullptr;
        auto attempt = [&](uintptr_t at) -> void * {
            if (at >> 32 != window || (at + size - 1) >> 32 != window) return nullptr;
            void *start = mmap(reinterpret_cast<void *>(at), size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (start == MAP_FAILED) return nullptr;
            if (start == reinterpret_cast<void *>(at)) return start;
            munmap(start, size); // a kernel before 4.17
            return nullptr;
        };
        const uintptr_t count = (uintptr_t(1) << 32) / size;
        for (uintptr_t n = 1; n < count; n++)
            if (void *start = attempt(middle - n * size)) return start;
        for (uintptr_t n = 1; n < count; n++)
            if (void *start = attempt(middle + n * size)) return start;
        return nullptr;
    }
};

char *describe(Error error) {
    std::string text = toString(std::move(error));
    for (char &c : text)
        if (c == '\n') c = ' ';
    return strdup(text.c_str());
}

} // namespace

struct nt_jit {
    std::unique_ptr<TargetMachine> machine;
    std::string triple;
    std::string layout;
    std::unique_ptr<ExecutionSession> session;
    std::unique_ptr<ObjectLinkingLayer> linker;
    std::shared_ptr<CodeRangePlugin> ranges;
    JITDylib *dylib = nullptr;

    // The kept pipeline writes into `buffer` through `stream`.
    SmallVector<char, 0> buffer;
    raw_svector_ostream stream{buffer};
    MCContext *context = nullptr;
    legacy::PassManager passes;
    uint64_t objectCount = 0;

    ~nt_jit() {
        if (session) cantFail(session->endSession());
    }
};

extern "C" nt_jit *nt_jit_create(int opt_level, nt_jit_slab_fn slab, uintptr_t neighbour, char **error) {
    startLLVM();
    // Guest registers are written one by one and read one by one, in other TBs: a wide access that spans several waits until
    // the narrow stores before it have left the store buffer.
    // Strength reduction costs a sixth of code generation; what it would find is hidden from it behind volatile accesses.
    static const char *const options[] = {"needletail", "-combiner-store-merging=false", "-disable-lsr"};
    // Once, and other threads that come here meanwhile wait: they are variables of the process.
    static bool parsed = cl::ParseCommandLineOptions(std::size(options), options);
    (void)parsed;
    auto builder = JITTargetMachineBuilder::detectHost();
    if (!builder) {
        *error = describe(builder.takeError());
        return nullptr;
    }
    builder->setCodeGenOptLevel(static_cast<CodeGenOptLevel>(opt_level));
    builder->getOptions().EnableFastISel = opt_level == 0;
    builder->getOptions().TrapUnreachable = false;
    builder->setRelocationModel(Reloc::PIC_);
    builder->setCodeModel(CodeModel::Small);
    auto machine = builder->createTargetMachine();
    if (!machine) {
        *error = describe(machine.takeError());
        return nullptr;
    }
    auto jit = std::make_unique<nt_jit>();
    jit->machine = std::move(*machine);
    jit->triple = jit->machine->getTargetTriple().str();
    jit->layout = jit->machine->createDataLayout().getStringRepresentation();
    if (jit->machine->addPassesToEmitMC(jit->passes, jit->context, jit->stream, /*DisableVerify=*/true)) {
        *error = strdup("this LLVM target cannot emit object code");
        return nullptr;
    }
    auto control = SelfExecutorProcessControl::Create(nullptr, std::make_unique<InPlaceTaskDispatcher>());
    if (!control) {
        *error = describe(control.takeError());
        return nullptr;
    }
    jit->session = std::make_unique<ExecutionSession>(std::move(*control));
    // Errors come back from each call; ORC would also print some.
    jit->session->setErrorReporter([](Error error) { consumeError(std::move(error)); });
    // Slabs of address space: modules get neighbouring pages, W^X by mprotect when a module is finalised.
    auto memory = MapperJITLinkMemoryManager::CreateWithMapper<SlabMapper>(
        64 << 20, slab, neighbour ? neighbour : reinterpret_cast<uintptr_t>(&nt_jit_create));
    if (!memory) {
        *error = describe(memory.takeError());
        return nullptr;
    }
    jit->linker = std::make_unique<ObjectLinkingLayer>(*jit->session, std::move(*memory));
    jit->ranges = std::make_shared<CodeRangePlugin>();
    jit->linker->addPlugin(jit->ranges);
    jit->dylib = &jit->session->createBareJITDylib("guest");
    auto process = DynamicLibrarySearchGenerator::GetForCurrentProcess(jit->machine->createDataLayout().getGlobalPrefix());
    if (!process) {
        *error = describe(process.takeError());
        return nullptr;
    }
    jit->dylib->addGenerator(std::move(*process));
    return jit.release();
}

extern "C" void nt_jit_destroy(nt_jit *jit) { delete jit; }
extern "C" const char *nt_jit_triple(nt_jit *jit) { return jit->triple.c_str(); }
extern "C" const char *nt_jit_data_layout(nt_jit *jit) { return jit->layout.c_str(); }

extern "C" bool nt_jit_define(nt_jit *jit, const char *name, uint64_t address, char **error) {
    SymbolMap symbols;
    symbols[jit->session->intern(name)] = {ExecutorAddr(address), JITSymbolFlags::Exported | JITSymbolFlags::Absolute};
    if (auto failure = jit->dylib->define(absoluteSymbols(std::move(symbols)))) {
        *error = describe(std::move(failure));
        return false;
    }
    return true;
}

extern "C" void nt_jit_emit(nt_jit *jit, LLVMModuleRef moduleRef) {
    std::unique_ptr<Module> module(unwrap(moduleRef));
    jit->buffer.clear();
    jit->passes.run(*module);
}

extern "C" const void *nt_jit_object(const nt_jit *jit, size_t *size) {
    *size = jit->buffer.size();
    return jit->buffer.data();
}

extern "C" nt_jit_code *nt_jit_link(nt_jit *jit, const void *bytes, size_t size, const char *const *names, size_t count,
                                    uint64_t *addresses, char **error) {
    // ORC names a file in its messages, and wants the name of each object in a library to be its own.
    auto name = "object" + std::to_string(jit->objectCount++);
    auto object = MemoryBuffer::getMemBufferCopy(StringRef(static_cast<const char *>(bytes), size), name);
    auto code = std::make_unique<nt_jit_code>();
    code->tracker = jit->dylib->createResourceTracker();
    // A failed link must leave no definitions behind, or the names are taken for good.
    auto fail = [&](Error failure) -> nt_jit_code * {
        *error = describe(std::move(failure));
        consumeError(code->tracker->remove());
        return nullptr;
    };
    if (auto failure = jit->linker->add(code->tracker, std::move(object))) return fail(std::move(failure));
    SymbolLookupSet wanted;
    for (size_t i = 0; i < count; i++) wanted.add(jit->session->intern(names[i]));
    jit->ranges->current = code.get();
    auto found = jit->session->lookup({{jit->dylib, JITDylibLookupFlags::MatchAllSymbols}}, std::move(wanted));
    jit->ranges->current = nullptr;
    if (!found) return fail(found.takeError());
    for (size_t i = 0; i < count; i++) addresses[i] = (*found)[jit->session->intern(names[i])].getAddress().getValue();
    return code.release();
}

extern "C" void nt_jit_free(nt_jit *, nt_jit_code *code) {
    consumeError(code->tracker->remove());
    delete code;
}

extern "C" void nt_jit_code_range(const nt_jit_code *code, uint64_t *start, uint64_t *end) {
    *start = code->start;
    *end = code->end;
}

extern "C" const nt_fault_way *nt_jit_code_faults(const nt_jit_code *code, size_t *count) {
    *count = code->faults.size();
    return code->faults.data();
}

extern "C" void nt_jit_optimize(nt_jit *jit, LLVMModuleRef moduleRef, const char *passes) {
    LoopAnalysisManager loops;
    FunctionAnalysisManager functions;
    CGSCCAnalysisManager components;
    ModuleAnalysisManager modules;
    PassBuilder builder(jit->machine.get());
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    ModulePassManager pipeline;
    cantFail(builder.parsePassPipeline(pipeline, passes));
    pipeline.run(*unwrap(moduleRef), modules);
}
