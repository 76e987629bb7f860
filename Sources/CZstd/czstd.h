// libzstd as the host has it; LLVM needs it, too. prepare.sh finds the static library.
#include <zstd.h>
