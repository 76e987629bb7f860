// Tier 0: predecoded cells and their direct-threaded handlers.
#ifndef NT_INTERPRETER_H
#define NT_INTERPRETER_H

#include "CHost.h"
#include <stdbool.h>

struct nt_op;

/// A handler runs one cell and tail-calls the next cell's. `tb` is the TB the cells belong to, `acc` what the cell before
/// wrote to its `d` if it was a value operation, or anything.
typedef NT_PRESERVE_NONE uint64_t (*nt_handler)(nt_cpu *cpu, nt_tb *tb, const struct nt_op *ip, uint64_t acc);

/// One cell. Operands are byte offsets into nt_cpu: guest registers, temporaries, or the permanent zero.
typedef struct nt_op {
    nt_handler handler;
    union {
        struct {
            uint16_t d, a;
            union {
                struct {
                    uint16_t b, c;
                };
                uint32_t point; // fault point of loads and stores
            };
        };
        uint64_t operands; // all of them in one load: the frequent handlers are bound by loads
    };
    union {
        uint64_t imm;
        struct {
            uint32_t imm_low, imm_high;
        };
    };
} nt_op;

_Static_assert(sizeof(nt_op) == 24, "the predecoder writes cells of this size");

#include "nt_operations.h"

/// Numbers of the handlers, for the predecoder.
typedef enum nt_interp_op {
#define NT_INTERP_ENUM(name) NT_OP_##name,
    NT_INTERP_OPERATIONS(NT_INTERP_ENUM)
#undef NT_INTERP_ENUM
        NT_INTERP_OP_COUNT
} nt_interp_op;
enum {
#define NT_INTERP_VALUE_ENUM(name) NT_INTERP_VALUE_##name,
    NT_INTERP_VALUE_OPERATIONS(NT_INTERP_VALUE_ENUM)
#undef NT_INTERP_VALUE_ENUM
        NT_INTERP_VALUE_COUNT // value operations come first
};

/// A handler that runs cells of these two operations, which follow each other; NULL when there is none.
const void *nt_interp_pair_handler(uint32_t first, uint32_t second);

/// Makes cells ready to run. Until then `handler` holds the operation's number + 1, or 0 in a cell that only carries data; then
/// it is the address of a handler: the form that takes an operand from the cell before where there is one, or that of a pair.
void nt_interp_finish(void *cells, size_t count);

/// Entry of a tier-0 TB (an nt_code): counts `heat` down, then runs `tb->ops`.
void *nt_interp_entry_address(void);

#endif
