/**
 * The newest ids that came from one relay, so that none is sent back to it. A table of four places for each group of ids;
 * the oldest of a group makes room. The keys are the first 52 bits: whoever finds two ids that share them keeps one event
 * from himself.
 * Belongs to the conversation and its thread. The memory is taken when the first id comes.
 *
 * @module
 */
import { UPSTREAM_ECHO_IDS_MAX } from "../limits.ts";
import { idKey } from "../nostr/keys.ts";

const WAYS = 4;
const GROUPS = UPSTREAM_ECHO_IDS_MAX / WAYS;

/** See the module's text. */
export class EchoIds {
  #keys: Float64Array | null = null;

  /** @param id 64 lowercase hex digits. */
  add(id: string): void {
    const keys = this.#keys ??= new Float64Array(UPSTREAM_ECHO_IDS_MAX);
    const key = idKey(id);
    const at = key % GROUPS * WAYS;
    if (hasKey(keys, at, key)) return;
    keys.copyWithin(at + 1, at, at + WAYS - 1);
    keys[at] = key;
  }

  has(id: string): boolean {
    if (this.#keys === null) return false;
    const key = idKey(id);
    return hasKey(this.#keys, key % GROUPS * WAYS, key);
  }
}

function hasKey(keys: Float64Array, from: number, key: number): boolean {
  for (let at = from; at < from + WAYS; at++) if (keys[at] === key) return true;
  return false;
}
