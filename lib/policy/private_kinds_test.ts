/**
 * Tests of the gates for private kinds (NIP-17, NIP-42). Run on the main thread; no state.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { naiveMatch } from "../../tests/support/naive_matcher.ts";
import { key, plainEvent, sender } from "../../tests/support/plain_event.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { parseFilter } from "../nostr/filter.ts";
import { PRIVATE_KINDS_DEFAULT, PrivateKinds } from "./private_kinds.ts";

const gates = new PrivateKinds(new Set(PRIVATE_KINDS_DEFAULT));
const [ME, FRIEND, OTHER] = [key("a"), key("b"), key("c")];
const AUTH_REQUIRED = "auth-required: these kinds are shown to their authors and recipients only";
const RESTRICTED =
  "restricted: these kinds are shown to their authors and recipients only: name your key in " +
  "authors or #p";
const filter = (value: object) => parseFilter(value, { limitMax: 500, limitDefault: 500 });

function request(filters: object[], authenticated: string[] = []): string | null {
  return gates.requests()(filters.map(filter), sender(authenticated));
}

Deno.test("a private event goes to its author and its recipients, and to nobody else", () => {
  const message = plainEvent({ kind: 4, pubkey: FRIEND, tags: [["e", ME], ["p", OTHER], ["p", ME]] });
  assert(gates.mayReceive(message, new Set([ME])));
  assert(gates.mayReceive(message, new Set([key("d"), FRIEND])));
  assert(!gates.mayReceive(message, new Set()));
  assert(!gates.mayReceive(message, new Set([key("d")])));
  const mentioned = plainEvent({ kind: 1059, pubkey: FRIEND, tags: [["e", ME], ["P", ME], ["p"]] });
  assert(!gates.mayReceive(mentioned, new Set([ME])));
  assert(gates.mayReceive(plainEvent({ kind: 1, pubkey: FRIEND }), new Set()));
});

Deno.test("a request for private kinds without a proved key ends in auth-required", () => {
  for (const kinds of [[4], [1059], [1, 4], [21_059, 7]]) {
    assertEquals(request([{ kinds, "#p": [ME] }]), AUTH_REQUIRED, kinds.join());
    assertEquals(request([{ kinds: [1] }, { kinds }]), AUTH_REQUIRED, kinds.join());
  }
});

Deno.test("requests that name no private kind need no key", () => {
  const filters = [{}, { kinds: [1, 7] }, { authors: [FRIEND] }, { ids: [key("e")] }, { "#p": [ME] }, {
    kinds: [],
  }];
  assertEquals(request(filters), null);
});

Deno.test("with a proved key, a request for private kinds alone has to name it, or single events", () => {
  const kinds = [4, 1059];
  for (
    const own of [{ authors: [ME] }, { "#p": [ME] }, { authors: [FRIEND], "#p": [ME] }, { ids: [key("e")] }]
  ) {
    assertEquals(request([{ kinds, ...own }], [OTHER, ME]), null, JSON.stringify(own));
  }
  assertEquals(request([{ kinds, authors: [ME, FRIEND], "#p": [FRIEND, ME] }], [ME]), null);
  for (const others of [{}, { authors: [FRIEND] }, { "#p": [FRIEND] }, { "#e": [key("e")] }, { since: 1 }]) {
    assertEquals(request([{ kinds, ...others }], [ME]), RESTRICTED, JSON.stringify(others));
    assertEquals(request([{ kinds: [1] }, { kinds, ...others }], [ME]), RESTRICTED);
    assertEquals(request([{ kinds: [1, ...kinds], ...others }], [ME]), null, JSON.stringify(others));
  }
});

Deno.test("fuzz: what a filter is said to reach holds for every event that it matches", () => {
  const prng = seededPrng("reach of filters against delivery");
  const keys = [ME, FRIEND, OTHER];
  const kinds = [1, 4, 7, 1059];
  const some = <T>(items: T[]) => prng.shuffle(items).slice(0, prng.int(1, items.length));
  const seen = { own: 0, others: 0 };
  for (let n = 0; n < 3_000; n++) {
    const plain = {
      ...(prng.chance(0.7) && { kinds: some(kinds) }),
      ...(prng.chance(0.4) && { authors: some(keys) }),
      ...(prng.chance(0.4) && { "#p": some(keys) }),
    };
    const parsed = filter(plain);
    const authenticated = new Set(prng.chance(0.2) ? [] : some(keys));
    const event = plainEvent({
      kind: prng.pick(kinds),
      pubkey: prng.pick(keys),
      tags: some(keys).map((pubkey) => ["p", pubkey]),
    });
    const copy = { ...event, tags: event.tags.map((tag) => [...tag]) };
    if (!naiveMatch(plain, copy)) continue;
    const reachesOthers = gates.reachesOthers(parsed, authenticated);
    seen[reachesOthers ? "others" : "own"]++;
    if (!reachesOthers) assert(gates.mayReceive(event, authenticated), JSON.stringify({ parsed, event }));
  }
  assert(seen.own > 0 && seen.others > 0, JSON.stringify(seen));
});
