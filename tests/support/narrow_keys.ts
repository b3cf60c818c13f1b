/**
 * What `lib/nostr/keys.ts` exports, cut down to few bits, so that keys collide everywhere. Tests put it in that module's
 * place by an import map, in a process of their own. Runs on a test's thread, which sets how narrow the keys are.
 *
 * @module
 */

/** How many keys of each sort there are. */
export const narrow = { idBits: 2, pubkeys: 3, tags: 5, addresses: 3 };

/** The first bits of an id: keys still sort as ids do. */
export function idKey(hex64: string): number {
  return Math.floor(parseInt(hex64.slice(0, 8), 16) / 2 ** (32 - narrow.idBits));
}

export function pubkeyKey(hex64: string): number {
  return parseInt(hex64.slice(-8), 16) % narrow.pubkeys;
}

export function pubkeyKeys(list: readonly string[]): readonly number[] {
  return list.map(pubkeyKey);
}

export function tagKey(letter: string, value: string): number {
  return sumOf(letter + value) % narrow.tags;
}

export function addressKey(kind: number, pubkey: string, d: string): number {
  return sumOf(`${kind}${pubkey}${d}`) % narrow.addresses;
}

function sumOf(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at);
  return sum;
}
