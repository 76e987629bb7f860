// The host's processors.
#ifndef NT_PROCESSORS_H
#define NT_PROCESSORS_H

/// How many the calling thread may run on; at least 1.
int nt_usable_processors(void);

#endif
