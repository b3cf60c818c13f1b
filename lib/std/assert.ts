/**
 * Stand-in for `@std/assert`: the same code from npm, with the types it lacks there.
 * Runs on any thread; holds no state. Tests only: implementation code uses `lib/invariant.ts`.
 *
 * @module
 */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
