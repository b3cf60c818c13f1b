/** Tests of the audience: a "nobody" is never wrong, and filters that cannot match ephemeral events do not count. */
import { assert, assertEquals } from "@std/assert";
import { keyHash } from "../../tests/support/key_hash.ts";
import { seededPrng } from "../../tests/support/prng.ts";
import { naiveMatch, type PlainFilter } from "../../tests/support/naive_matcher.ts";
import { type Filter, parseFilter } from "../nostr/filter.ts";
import { idKey, pubkeyKey, tagKey } from "../nostr/keys.ts";
import { Audience, type AudienceMemory, createAudienceMemory, mayBeHeard } from "./audience.ts";
import { SubscriptionIndex } from "./subscription_index.ts";

const LIMITS = { limitMax: 10, limitDefault: 10 };

function event(fields: { id?: string; pubkey?: string; kind?: number; tags?: string[][] }) {
  return {
    id: "1".repeat(64),
    pubkey: "2".repeat(64),
    created_at: 1_000,
    kind: 20_001,
    tags: [] as string[][],
    content: "",
    sig: "",
    ...fields,
  };
}

function isHeard(plain: ReturnType<typeof event>, gateways: readonly AudienceMemory[]): boolean {
  const keys = plain.tags.map(([letter, value]) => tagKey(letter!, value!));
  return mayBeHeard({
    kind: plain.kind,
    idKey: idKey(plain.id),
    pubkeyKey: pubkeyKey(plain.pubkey),
    tagCount: keys.length,
    tagKey: (at) => keys[at]!,
  }, gateways);
}

const parse = (filter: object): Filter => parseFilter(filter, LIMITS);

Deno.test("an event is heard while a filter that may match it is open, on whichever gateway", () => {
  const gateways = [createAudienceMemory(), createAudienceMemory()];
  const indexes = gateways.map((memory) =>
    new SubscriptionIndex<object>({ hash: keyHash(), audience: new Audience(memory) })
  );
  const spoken = event({ tags: [["p", "3".repeat(64)]] });
  const filters: object[] = [
    {},
    { kinds: [20_001] },
    { authors: [spoken.pubkey] },
    { "#p": ["3".repeat(64)], kinds: [1, 20_001] },
    { ids: [spoken.id] },
    { since: 5 },
  ];
  for (const filter of filters) {
    for (const index of indexes) {
      assertEquals(isHeard(spoken, gateways), false);
      const owner = {};
      index.add(owner, [parse({ kinds: [1] }), parse(filter)]);
      assert(isHeard(spoken, gateways), JSON.stringify(filter));
      index.add(owner, [parse(filter)]);
      assert(isHeard(spoken, gateways));
      index.delete(owner);
    }
  }
  for (
    const filter of [{ kinds: [1, 30_000] }, { authors: [spoken.pubkey], kinds: [1] }, { kinds: [20_002] }]
  ) {
    indexes[0]!.add({}, [parse(filter)]);
    assertEquals(isHeard(spoken, gateways), false, JSON.stringify(filter));
  }
});

Deno.test("a gateway that starts again begins with nobody", () => {
  const memory = createAudienceMemory();
  new SubscriptionIndex<object>({ hash: keyHash(), audience: new Audience(memory) }).add({}, [parse({})]);
  assert(isHeard(event({}), [memory]));
  new Audience(memory);
  assertEquals(isHeard(event({}), [memory]), false);
});

Deno.test("whatever filters come and go, an event that matches one of them is heard", () => {
  const prng = seededPrng("audience");
  const keys = Array.from({ length: 6 }, () => prng.hex(32));
  const memory = createAudienceMemory();
  const index = new SubscriptionIndex<object>({ hash: keyHash(), audience: new Audience(memory) });
  const open = new Map<object, PlainFilter>();
  for (let round = 0; round < 2_000; round++) {
    if (prng.chance(0.5) || open.size > 20) {
      const [owner] = prng.shuffle([...open.keys()]);
      if (owner) index.delete(owner);
      if (owner) open.delete(owner);
    } else {
      const filter: PlainFilter = {};
      if (prng.chance(0.4)) filter.kinds = [prng.pick([1, 20_001, 20_002]), prng.pick([1, 20_003])];
      if (prng.chance(0.4)) filter.authors = [prng.pick(keys)];
      if (prng.chance(0.3)) filter["#p"] = [prng.pick(keys), prng.pick(keys)];
      if (prng.chance(0.2)) filter["&t"] = ["a", "b"];
      if (prng.chance(0.2)) filter.ids = [prng.pick(keys)];
      const owner = {};
      index.add(owner, [parse(filter)]);
      open.set(owner, filter);
    }
    const spoken = event({
      id: prng.pick(keys),
      pubkey: prng.pick(keys),
      kind: prng.pick([20_001, 20_002, 20_003]),
      tags: [["p", prng.pick(keys)], ["t", prng.pick(["a", "b"])], ["t", "b"]],
    });
    const matches = [...open.values()].some((filter) => naiveMatch(filter, spoken));
    if (matches) assert(isHeard(spoken, [memory]), `SEED=${prng.seed} round ${round}`);
    if (open.size === 0) assert(!isHeard(spoken, [memory]), `SEED=${prng.seed} round ${round}`);
  }
});
