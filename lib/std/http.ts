/**
 * Stand-in for `@std/http`: the same code from npm, with the types it lacks there.
 * Runs on any thread; holds no state.
 *
 * @module
 */
// @ts-types="./http_negotiation.d.ts"
export { accepts } from "deno-std/http/negotiation.js";
