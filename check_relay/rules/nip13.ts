/**
 * NIP-13 as far as relays are concerned: the work that they demand by NIP-11.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { type Event, mine, now, sign, type Template, workOf } from "../signer.ts";
import type { Subject } from "../subject.ts";

function bitsOf(relay: Subject): number {
  if (relay.workBits === 0) throw new NotApplicable("min_pow_difficulty is 0 or absent: no work is demanded");
  return relay.workBits;
}

/** An event whose id shows exactly as much work as `fits` says, without a commitment. */
function signUntil(relay: Subject, fits: (bits: number) => boolean, tags: string[][] = []): Event {
  const key = relay.key();
  for (let i = 0;; i++) {
    const event = sign(key, { content: `${i}`, tags });
    if (fits(workOf(event.id))) return event;
  }
}

async function refuses(relay: Subject, event: Event): Promise<string> {
  await using writer = await relay.writer();
  const ok = await writer.offer(event);
  demand(ok[2] === false && String(ok[3]).startsWith("pow:"), `${workOf(event.id)} bits: ${brief(ok)}`);
  return brief(ok);
}

async function accepts(relay: Subject): Promise<string> {
  const bits = bitsOf(relay);
  await using writer = await relay.writer();
  await relay.store(writer, relay.sign(relay.key()));
  return `${bits} bits, committed to, are accepted`;
}

function refusesLess(relay: Subject): Promise<string> {
  const bits = bitsOf(relay);
  return refuses(relay, signUntil(relay, (work) => work < bits));
}

function refusesLuck(relay: Subject): Promise<string> {
  const bits = bitsOf(relay);
  const key = relay.key();
  const template = { pubkey: key.pubkey, created_at: now(), kind: 1, content: "luck", tags: [] };
  const tags = mine(template, bits, bits - 1);
  return refuses(relay, sign(key, { ...template, tags } satisfies Template));
}

const rule = { nip: 13, section: "Mining", level: "required" } as const;

export const NIP13_RULES: readonly Rule[] = [
  { ...rule, id: "13/work-accepted", says: "An event with the demanded work is accepted.", check: accepts },
  {
    ...rule,
    id: "13/less-refused",
    says: "An event with less work is refused with `pow:`.",
    check: refusesLess,
  },
  {
    ...rule,
    id: "13/commitment",
    level: "advised",
    says: "A nonce that commits to less than is demanded is refused, however lucky the id.",
    check: refusesLuck,
  },
];
