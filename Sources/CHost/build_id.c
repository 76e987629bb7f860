// What the linker calls this executable, from its own notes.
#include "nt_linux.h"
#include <elf.h>
#include <link.h>
#include <string.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

size_t nt_build_id(const uint8_t **bytes) {
    const char *base = (const char *)&__ehdr_start;
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);
    // Where the header is, the first loaded segment is.
    uintptr_t bias = (uintptr_t)base;
    for (int i = 0; i < __ehdr_start.e_phnum; ++i)
        if (header[i].p_type == PT_LOAD && header[i].p_offset == 0) bias -= header[i].p_vaddr;
    for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
        if (header[i].p_type != PT_NOTE) continue;
        const char *at = (const char *)(bias + header[i].p_vaddr), *end = at + header[i].p_memsz;
        while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const char *name = at + sizeof *note, *data = name + ((note->n_namesz + 3) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                *bytes = (const uint8_t *)data;
                return note->n_descsz;
            }
            at = data + ((note->n_descsz + 3) & ~3u);
        }
    }
    return 0;
}
