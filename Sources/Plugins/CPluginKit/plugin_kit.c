#include "plugin_kit.h"

#include <pthread.h>
#include <stdio.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void plugin_kit_report(const char *problem, const char *option) { fprintf(stderr, "%s: %s\n", problem, option); }
void plugin_kit_lock(void) { pthread_mutex_lock(&lock); }
void plugin_kit_unlock(void) { pthread_mutex_unlock(&lock); }
