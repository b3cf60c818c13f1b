/*
 * Memory that was freed and is kept by the allocator; see sluice.h.
 */
#include "sluice.h"

#ifdef __linux__
#include <features.h>
#endif

#ifdef __GLIBC__
#include <malloc.h>

void sluice_trim_memory(void) {
    malloc_trim(0);
}
#else
void sluice_trim_memory(void) {
}
#endif
