/*
 * s G - e P for the lanes of one or two groups. Re-entrant.
 */
#ifndef SLUICE_LANES_WALK_H
#define SLUICE_LANES_WALK_H

#include "lanes/g_table.h"
#include "lanes/p_table.h"
#include "lanes/point_8x52.h"
#include "lanes/recode.h"

/**
 * sums[i] = +-(s G - e P) of `groups` <= GROUPS_TOGETHER groups; returns whether the sign is minus.
 * Z is 0 in a lane whose sum is the point at infinity, or which met two equal or opposite points on the way: neither
 * happens but to someone who aims for it, and the sum of such a lane means nothing.
 */
int lanes_walk(jacobian8 *sums, const lanes_input *inputs, const p_table *p, const g_tables *g, int groups);

#endif
