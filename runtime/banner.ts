/**
 * What a relay says on standard output when it serves.
 * Runs on the main thread; no state.
 *
 * @module
 */
import type { Config } from "../lib/config/config.ts";
import { SOFTWARE } from "../lib/relay/software.ts";
import type { ActorCounts } from "../wire/actors.ts";

/** Says what serves, and how. `facts` are what the actors reported. */
export function sayWhatServes(
  config: Config,
  counts: ActorCounts,
  facts: Readonly<Record<string, string>>,
): void {
  const scheme = config.TLS_CERT === null ? "ws" : "wss";
  const risk = config.DURABILITY === "full"
    ? "every OK is on disk"
    : "an OK survives a crash, not a power failure";
  const { gateways, verifiers, readers } = counts;
  say(`sluice ${SOFTWARE.version} serves ${scheme}://${facts.address}`);
  say(`  data         ${config.DATA_DIR}, durability ${config.DURABILITY}: ${risk}`);
  say(`  verification ${facts.verification}`);
  say(`  search       ${facts.search}`);
  for (const line of decidersOf(config)) say(line);
  say(`  threads      ${gateways} gateways, ${verifiers} verifiers, ${readers} readers, store, indexer`);
}

/** What of the operator's own decides, where anything does. */
function decidersOf({ WRITE_PLUGIN, REQUEST_PLUGIN, POLICY_FILES }: Config): string[] {
  const plugins = [
    ...(WRITE_PLUGIN === null ? [] : [`writes "${WRITE_PLUGIN}"`]),
    ...(REQUEST_PLUGIN === null ? [] : [`requests "${REQUEST_PLUGIN}"`]),
  ];
  return [
    ...(plugins.length === 0 ? [] : [`  plugins      ${plugins.join(", ")}`]),
    ...(POLICY_FILES === null ? [] : [`  policies     ${POLICY_FILES.join(", ")}`]),
  ];
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
