/**
 * The keys of the fan-out: the relay's own, and what seals secrets in the registry. Where the relay has no key, a file in
 * the data directory that only its owner may read; relays that share a registry need the same `RELAY_SECRET_KEY`.
 * Runs on the thread of the fan-out, once; no state.
 *
 * @module
 */
import { RELAY_KEY_BYTES } from "../../lib/limits.ts";

/**
 * What secrets are sealed by, first, and by what they may have been sealed before.
 *
 * @param relaySecretKey `RELAY_SECRET_KEY`, or null.
 * @throws {Error} if the file is not as this program made it.
 */
export async function sealingKeys(relaySecretKey: string | null, path: string): Promise<Uint8Array[]> {
  if (relaySecretKey !== null) {
    const present = await readKey(path);
    return [Uint8Array.fromHex(relaySecretKey), ...(present === null ? [] : [present])];
  }
  return [await readKey(path) ?? await makeKey(path)];
}

async function readKey(path: string): Promise<Uint8Array | null> {
  let text: string;
  try {
    text = (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  if (/^[0-9a-f]{64}$/.test(text)) return Uint8Array.fromHex(text);
  throw new Error(`Cannot read key file "${path}": it is not ${RELAY_KEY_BYTES} bytes in hex`);
}

async function makeKey(path: string): Promise<Uint8Array> {
  const key = crypto.getRandomValues(new Uint8Array(RELAY_KEY_BYTES));
  await Deno.writeTextFile(path, `${key.toHex()}\n`, { createNew: true, mode: 0o600 });
  return key;
}
