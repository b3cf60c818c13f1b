/**
 * Where an event comes from. One field of every record's header (wire/header.ts) carries it from the frame to the store,
 * and it alone decides which policies apply, what a plugin is told, and who answers. Any thread; no state.
 *
 * ```
 *   source    sent by                          policies about its sender   what a plugin is told   answered
 *   client    a client's connection            apply                       IP4, IP6                to the client
 *   import    the operator                     do not apply                Import                  in its tally
 *   own       this relay                       none apply at all           it is not asked         in the log
 *   upstream  a relay that this one follows    do not apply                Stream                  to its origin
 *   replica   another relay of its cluster     do not apply                Sync                    to its origin
 * ```
 *
 * Policies about the sender look at its address, its keys, and how much it and its authors send. Those about content apply
 * to everything but the relay's own events. Signatures are verified of every source, unless a frame is marked as trusted.
 *
 * @module
 */
import { invariant } from "../lib/invariant.ts";
import { type PluginSource, sourceOfAddress } from "../lib/plugin/request.ts";

/** Every source; its place is its number in a header. */
export const SOURCES = ["client", "import", "own", "upstream", "replica"] as const;
/** Where an event comes from; see the module's text. */
export type Source = typeof SOURCES[number];

const NUMBERS: Readonly<Record<Source, number>> = { client: 0, import: 1, own: 2, upstream: 3, replica: 4 };
const PLUGIN_SOURCES: Readonly<Record<Exclude<Source, "client">, PluginSource>> = {
  import: "Import",
  own: "Import",
  upstream: "Stream",
  replica: "Sync",
};

for (const [number, source] of SOURCES.entries()) {
  invariant(NUMBERS[source] === number, "a source has its number");
}

/** The number of a source in a header. */
export function numberOfSource(source: Source): number {
  return NUMBERS[source];
}

/** The source that a header names. */
export function sourceOf(number: number): Source {
  const source = SOURCES[number];
  invariant(source !== undefined, "a header names a source");
  return source;
}

/** Whether policies about the sender apply: its address, its keys, its rates. */
export function hasSender(source: Source): boolean {
  return source === "client";
}

/** What a plugin is told. `address` is the client's. */
export function pluginSourceOf(source: Source, address: string): PluginSource {
  return source === "client" ? sourceOfAddress(address) : PLUGIN_SOURCES[source];
}
