/*
 * What this processor and its operating system can do, asked once by CPUID and XGETBV.
 * Any thread; the answer never changes.
 */
#ifndef SLUICE_CPU_H
#define SLUICE_CPU_H

/** SHA-NI, SSSE3 and SSE4.1. */
int cpu_has_sha(void);
/** AVX-512 F, DQ, VL, IFMA and VBMI2, BMI2, and an operating system that saves the ZMM registers. */
int cpu_has_lanes(void);

#endif
