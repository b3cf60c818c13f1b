/*
 * libsecp256k1's internals as static functions of the including unit: field, scalars, group, multiplication.
 * SECP(name) spells the crate's prefix. Only public data may pass through: the functions in use take variable time.
 */
#ifndef SLUICE_LIBSECP_INTERNALS_H
#define SLUICE_LIBSECP_INTERNALS_H

#define SECP256K1_BUILD
#include "src/util.h"
#include "src/field_impl.h"
#include "src/scalar_impl.h"
#include "src/group_impl.h"
#include "src/ecmult_impl.h"
#include "src/int128_impl.h"
#include "src/scratch_impl.h"

#define SECP(name) rustsecp256k1_v0_14_##name

#endif
