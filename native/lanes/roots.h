/*
 * Square roots of lane vectors, and inverses of many lane vectors by one scalar inversion. Re-entrant.
 */
#ifndef SLUICE_LANES_ROOTS_H
#define SLUICE_LANES_ROOTS_H

#include <stddef.h>

#include "lanes/field_8x52.h"

/** Vectors that `lanes_sqrt` takes together at most. */
#define ROOTS_TOGETHER 4

/**
 * roots[i] = values[i]^((p + 1) / 4) for i < count <= ROOTS_TOGETHER: a square root where there is one.
 * The caller squares to find out.
 */
void lanes_sqrt(fe8 *roots, const fe8 *values, int count);

/**
 * Inverts `count` vectors in place, each lane by itself. `count` must be a multiple of 4, `scratch` must hold as many.
 * A zero spoils its lane of all `count` vectors; the lanes where that happened are returned, and nothing in them is
 * to be believed.
 */
__mmask8 lanes_invert(factor8 *values, factor8 *scratch, size_t count);

#endif
