/** Tests of what a request may bring to whom, and of what follows when that is decided anew. */
import { assert, assertEquals } from "@std/assert";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { parseFilter } from "../nostr/filter.ts";
import { PRIVATE_KINDS_DEFAULT, PrivateKinds } from "./private_kinds.ts";
import { ReadGate } from "./read_gate.ts";

const [ME, FRIEND, OTHER] = [key("a"), key("b"), key("c")];
const filter = (value: object) => parseFilter(value, { limitMax: 500, limitDefault: 500 });
const NOTE = JSON.stringify(plainEvent({ pubkey: FRIEND }));
const LETTER = JSON.stringify(plainEvent({ kind: 4, pubkey: FRIEND, tags: [["p", ME]] }));

function open() {
  const hidden = { bannedPubkeys: new Set<string>(), bannedEvents: new Set<string>() };
  return { hidden, gate: new ReadGate(new PrivateKinds(new Set(PRIVATE_KINDS_DEFAULT)), hidden) };
}

Deno.test("nothing is to be asked where a filter reaches nothing private and nobody is banned", () => {
  const { gate } = open();
  for (
    const [value, keys] of [[{ kinds: [1] }, []], [{ authors: [ME] }, [ME]], [{ "#p": [ME] }, [ME]]] as const
  ) {
    assertEquals(gate.rightsOf([filter(value)], new Set(keys)).mayRead, null, JSON.stringify(value));
  }
  assert(gate.rightsOf([filter({ kinds: [1] }), filter({})], new Set()).mayRead !== null);
});

Deno.test("private events are for their author and recipients, also by a key that is proved later", () => {
  const { gate } = open();
  const keys = new Set([OTHER]);
  const { mayRead } = gate.rightsOf([filter({})], keys);
  assertEquals([mayRead!(NOTE), mayRead!(LETTER)], [true, false]);
  keys.add(ME);
  assertEquals([mayRead!(NOTE), mayRead!(LETTER)], [true, true]);
  assert(gate.rightsOf([filter({})], new Set([FRIEND])).allows(LETTER));
});

Deno.test("a ban counts from then on, for requests that were made before", () => {
  const { gate, hidden } = open();
  const rights = gate.rightsOf([filter({ kinds: [1] })], new Set());
  assert(rights.isWhole && rights.allows(NOTE));
  hidden.bannedPubkeys.add(FRIEND);
  assert(!rights.isWhole && !rights.allows(NOTE) && !rights.mayRead!(NOTE));
  hidden.bannedPubkeys.clear();
  hidden.bannedEvents.add(plainEvent().id);
  assert(!rights.isWhole && !rights.allows(NOTE));
  hidden.bannedEvents.clear();
  assert(rights.isWhole && rights.allows(NOTE));
});

Deno.test("other private kinds count at once, whatever was said of the filters before", () => {
  const { gate } = open();
  const rights = gate.rightsOf([filter({ kinds: [1] })], new Set([ME]));
  assert(rights.isWhole);
  gate.use(new PrivateKinds(new Set([1])));
  assert(!rights.isWhole && !rights.allows(NOTE));
});
