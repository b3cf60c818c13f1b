/*
 * Builds the tables of G, see g_table.h.
 */
#include "lanes/g_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libsecp_internals.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static g_tables *tables;

/* Fills one table with the odd multiples of `base`, doubles `base` G_HALF_BITS times. 0: no memory, or an unfit y. */
static int fill(g_entry *entries, SECP(gej) * base) {
    SECP(gej) *points = malloc(sizeof *points * G_ENTRIES), twice;
    SECP(ge) *affine = malloc(sizeof *affine * G_ENTRIES);
    int good = points != NULL && affine != NULL;
    if (good) {
        SECP(gej_double_var)(&twice, base, NULL);
        points[0] = *base;
        for (int i = 1; i < G_ENTRIES; i++) SECP(gej_add_var)(&points[i], &points[i - 1], &twice, NULL);
        SECP(ge_set_all_gej_var)(affine, points, G_ENTRIES);
    }
    for (int i = 0; good && i < G_ENTRIES; i++) {
        SECP(ge_storage) words;
        SECP(ge_to_storage)(&words, &affine[i]);
        memcpy(entries[i].words, words.x.n, 32);
        memcpy(entries[i].words + 4, words.y.n, 32);
        /* p - y is taken limb by limb, without a borrow; one y in a million would need one, and none of these does. */
        good = (words.y.n[0] & MASK52) <= FIELD_P0;
    }
    for (int i = 0; i < G_HALF_BITS; i++) SECP(gej_double_var)(base, base, NULL);
    free(points);
    free(affine);
    return good;
}

static void make(void) {
    SECP(gej) base;
    g_tables *made = aligned_alloc(64, sizeof *made);
    if (made == NULL) return;
    SECP(gej_set_ge)(&base, &SECP(ge_const_g));
    if (fill((*made)[0], &base) && fill((*made)[1], &base)) tables = made;
    else free(made);
}

const g_tables *g_tables_get(void) {
    pthread_once(&once, make);
    return tables;
}
