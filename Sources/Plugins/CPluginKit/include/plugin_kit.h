// What the bundled plugins need from C: the interface itself, the version symbol (Swift cannot define a C variable), a lock
// and stderr.
#ifndef PLUGIN_KIT_H
#define PLUGIN_KIT_H

#include <stdlib.h>
#include <string.h>

#include "qemu-plugin.h"

/// Writes `problem: option` as a line to stderr.
void plugin_kit_report(const char *problem, const char *option);

/// One lock for the plugin's own tables.
void plugin_kit_lock(void);
void plugin_kit_unlock(void);

#endif
