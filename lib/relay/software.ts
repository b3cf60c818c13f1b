/**
 * Which program this is, for NIP-11 and the log. Constants; any thread.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };
import type { Software } from "./relay_information.ts";

/** Name and version as `deno.json` has them. */
export const SOFTWARE: Software = { name: "sluice", version: project.version };
