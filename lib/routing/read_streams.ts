/**
 * Reads a file of streams in the format that its name tells.
 * Runs on any thread; no state.
 *
 * @module
 */
import { readRoutingToml } from "./routing_toml.ts";
import type { RoutingConfig } from "./stream.ts";
import { readStrfryRouter } from "./strfry_router.ts";

/**
 * Reads the text of a file: TOML where its name ends in `.toml`, otherwise the configuration of strfry's router.
 *
 * @throws {RoutingError}
 */
export function readStreams(name: string, text: string): RoutingConfig {
  return /\.toml$/i.test(name) ? readRoutingToml(text) : readStrfryRouter(text);
}
