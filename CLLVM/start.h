// Before anything else of LLVM is called, by every function that hands out the first object of its kind.
#ifndef NEEDLETAIL_START_H
#define NEEDLETAIL_START_H

/// Runs LLVM's static constructors and registers the targets we use, once. Threads: any; who comes second waits for the first.
void startLLVM();

#endif
