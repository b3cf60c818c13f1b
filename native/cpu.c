/*
 * CPUID and XGETBV, see cpu.h. Other processors than x86-64 answer no to everything.
 * The instructions cost under a microsecond, so nothing is remembered between calls.
 */
#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

/* Bits of CPUID leaf 1, register C, and of leaf 7, registers B and C (Intel SDM volume 2, CPUID). */
#define LEAF1_C_SSSE3 (1u << 9)
#define LEAF1_C_SSE41 (1u << 19)
#define LEAF1_C_OSXSAVE (1u << 27)
#define LEAF7_B_BMI2 (1u << 8)
#define LEAF7_B_AVX512F (1u << 16)
#define LEAF7_B_AVX512DQ (1u << 17)
#define LEAF7_B_ADX (1u << 19)
#define LEAF7_B_AVX512IFMA (1u << 21)
#define LEAF7_B_SHA (1u << 29)
#define LEAF7_B_AVX512VL (1u << 31)
#define LEAF7_C_VBMI2 (1u << 6)
/* XCR0: SSE, AVX, opmask, upper halves of ZMM0..15, ZMM16..31. */
#define XCR0_ZMM 0xe6u

static uint32_t xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

int cpu_has_sha(void) {
    uint32_t a, b, c, d;
    const uint32_t needed = LEAF1_C_SSSE3 | LEAF1_C_SSE41;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & LEAF7_B_SHA) != 0;
}

int cpu_has_lanes(void) {
    uint32_t a, b, c, d;
    const uint32_t needed_b = LEAF7_B_BMI2 | LEAF7_B_ADX | LEAF7_B_AVX512F | LEAF7_B_AVX512DQ | LEAF7_B_AVX512IFMA |
                              LEAF7_B_AVX512VL;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & LEAF1_C_OSXSAVE)) return 0;
    if ((xcr0() & XCR0_ZMM) != XCR0_ZMM) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b & needed_b) == needed_b && (c & LEAF7_C_VBMI2) != 0;
}

#else

int cpu_has_sha(void) { return 0; }
int cpu_has_lanes(void) { return 0; }

#endif
