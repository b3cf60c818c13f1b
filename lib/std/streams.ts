/**
 * Stand-in for `@std/streams`: the same code from npm, with the types it lacks there.
 * Runs on any thread; holds no state.
 *
 * @module
 */
// @ts-types="./text_line_stream.d.ts"
export { TextLineStream } from "deno-std/streams/text_line_stream.js";
