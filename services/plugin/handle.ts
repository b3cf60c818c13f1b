/**
 * What others run a plugin by: a gateway has one of its own for requests.
 * Runs on the thread that asks.
 *
 * @module
 */
export { PluginProcess, type PluginUse } from "./plugin_process.ts";
