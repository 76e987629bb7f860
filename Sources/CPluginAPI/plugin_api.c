#include "qemu-plugin.h"
