/*
 * How much a fast path may still lose on invalid signatures, which cost it twice: its own work, and libsecp256k1's.
 *
 * Costs are in units of 1/64 of a plain verification. A context starts with CREDIT_MAX; what the fast path saves
 * adds to its credit, what it loses is taken away, and it only takes as many signatures as its credit covers if all
 * of them are invalid. Without credit signatures are decided plainly, and each valid one earns CREDIT_EARNED. So any
 * stream, chosen by whoever, costs at most plain verification + 1/16 of its valid signatures + CREDIT_MAX once: a
 * flood of invalid signatures runs at the plain speed, and the fast path comes back after it.
 * Inline functions over the caller's state.
 */
#ifndef SLUICE_CREDIT_H
#define SLUICE_CREDIT_H

#include <stdint.h>

#define CREDIT_PLAIN 64
/* About what a failed batch of 512 loses: 24 ms on a processor that verifies in 30 us. */
#define CREDIT_MAX (800 * CREDIT_PLAIN)
#define CREDIT_EARNED 4

/** What a fast path costs for `count` signatures in one call: measured, rounded up. */
typedef struct {
    int64_t per_call, per_item;
    /** Signatures in one step: a call costs as much as the next multiple. */
    uint32_t step;
    /** What a call can cost in the worst case is this many quarters of what it costs for valid signatures. */
    int64_t worst_quarters;
    /** Fewer signatures than this are better decided plainly; more than that are split. */
    uint32_t items_min, items_max;
} fast_path_cost;

static inline int64_t credit_cost(const fast_path_cost *cost, uint32_t count) {
    return cost->per_call + cost->per_item * (int64_t)((count + cost->step - 1) / cost->step * cost->step);
}

/** The number of signatures, of `count`, that the fast path may take now; 0: decide some plainly. */
static inline uint32_t credit_allows(const fast_path_cost *cost, int64_t credit, uint32_t count) {
    uint32_t allowed = count < cost->items_max ? count : cost->items_max;
    while (allowed >= cost->items_min && credit_cost(cost, allowed) * cost->worst_quarters / 4 > credit) allowed /= 2;
    return allowed < cost->items_min ? 0 : allowed;
}

static inline int64_t credit_add(int64_t credit, int64_t more) {
    return credit + more < CREDIT_MAX ? credit + more : CREDIT_MAX;
}

#endif
