/*
 * The ranges that BIP-340 asks of an item, checked before any arithmetic: all fast paths go by it. Re-entrant.
 */
#ifndef SLUICE_ITEM_RANGE_H
#define SLUICE_ITEM_RANGE_H

#include <stdint.h>

/**
 * 1 when the public key and r are below p, and s is below n; the item (see sluice.h) is invalid otherwise. No signature
 * is known, nor can one be made, that would be valid but for this, so tests call this function itself.
 */
int item_in_range(const uint8_t *item);

#endif
