/** Tests of the subscription index; whom it finds among random filters, `tests/fuzz/req_fuzz_test.ts` compares. */
import { assert, assertEquals } from "@std/assert";
import { TWIN_TOPICS } from "../../tests/support/colliding_keys.ts";
import { keyHash } from "../../tests/support/key_hash.ts";
import { parseFilter } from "../nostr/filter.ts";
import { eventFacts } from "../nostr/packed_event.ts";
import { idKey, pubkeyKey, tagKey } from "../nostr/keys.ts";
import { type LiveEvent, SubscriptionIndex } from "./subscription_index.ts";

const hex = (n: number) => n.toString(16).padStart(64, "0");

function live(author: number, kind = 1, tags: string[][] = []): LiveEvent {
  const event = { id: hex(99), pubkey: hex(author), created_at: 10, kind, tags, content: "", sig: "" };
  const { text, tagKeys } = eventFacts(event);
  return { kind, createdAt: 10, idKey: idKey(event.id), pubkeyKey: pubkeyKey(event.pubkey), tagKeys, text };
}

const filter = (value: object) => parseFilter(value, { limitMax: 500, limitDefault: 500 });

function heard(index: SubscriptionIndex<{ name: string }>, event: LiveEvent): string[] {
  const names: string[] = [];
  index.match(event, ({ name }) => names.push(name));
  return names.toSorted();
}

Deno.test("long lists of authors, ids and kinds are looked into in full", () => {
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  const many = Array.from({ length: 40 }, (_, n) => hex(n + 1));
  index.add({ name: "authors" }, [filter({ authors: many })]);
  index.add({ name: "authors of a kind" }, [filter({ authors: many, kinds: [0, 7] })]);
  index.add({ name: "kinds" }, [filter({ kinds: many.map((_, n) => n) })]);
  index.add({ name: "ids by authors" }, [filter({ ids: [...many, hex(99)], authors: many })]);
  index.add({ name: "all" }, [filter({}), filter({ authors: many })]);
  assertEquals(heard(index, live(40)), ["all", "authors", "ids by authors", "kinds"]);
  assertEquals(heard(index, live(41, 7)), ["all", "kinds"]);
  assertEquals(heard(index, live(1, 7)), ["all", "authors", "authors of a kind", "ids by authors", "kinds"]);
  assertEquals(heard(index, live(1, 77)), ["all", "authors", "ids by authors"]);
});

Deno.test("an author whose key is another's does not match", () => {
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  const twin = `ff${hex(3).slice(2)}`;
  index.add({ name: "twin" }, [filter({ authors: [twin] })]);
  index.add({ name: "both" }, [filter({ authors: [twin, hex(3)] })]);
  assertEquals(heard(index, live(3)), ["both"]);
});

Deno.test("a subscription that a delivery closes is not delivered to any more, and others are", () => {
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  const owners = ["a", "b", "c", "d"].map((name) => ({ name }));
  for (const owner of owners) index.add(owner, [filter({ authors: [hex(5)] }), filter({ kinds: [1] })]);
  const names: string[] = [];
  index.match(live(5), ({ name }) => {
    names.push(name);
    for (const owner of owners.slice(1, 3)) index.delete(owner);
    index.delete(owners[0]!);
  });
  assertEquals(names.length, names[0] === "d" ? 1 : 2);
  assertEquals(names.at(-1), "d");
  assertEquals([heard(index, live(5)), index.size], [["d"], 1]);
});

Deno.test("two values of one filter that share a tag key are both heard", () => {
  const [one, other] = TWIN_TOPICS;
  assertEquals(tagKey("t", one), tagKey("t", other));
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  index.add({ name: "both" }, [filter({ "#t": [one, other] })]);
  index.add({ name: "one" }, [filter({ "#t": [one] })]);
  index.add({ name: "other" }, [filter({ "#t": [other] })]);
  // Filed under `p`, so that the topics are what is checked.
  index.add({ name: "both of a kind" }, [filter({ "#p": [hex(7)], "#t": [one, other, "another"] })]);
  const p = ["p", hex(7)];
  assertEquals(heard(index, live(1, 1, [["t", one], p])), ["both", "both of a kind", "one"]);
  assertEquals(heard(index, live(1, 1, [["t", other], p])), ["both", "both of a kind", "other"]);
  assertEquals(heard(index, live(1, 1, [["t", one], ["t", other], p])), [
    "both",
    "both of a kind",
    "one",
    "other",
  ]);
  assertEquals(heard(index, live(1, 1, [["t", "third"], p])), []);
});

Deno.test("an event that many subscriptions look into is found by those whose tags it has, numbers included", () => {
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  for (let n = 0; n < 100; n++) {
    index.add({ name: `${n}` }, [filter({ "#t": [`${n * 8_192}`], "#p": [hex(7)] })]);
  }
  const tags = [["p", hex(7)], ...Array.from({ length: 50 }, (_, n) => ["t", `${n * 2 * 8_192}`])];
  assertEquals(heard(index, live(1, 1, tags)).length, 50);
  assertEquals(heard(index, live(1, 1, tags.slice(0, 4))), ["0", "2", "4"]);
});

Deno.test("the work of an event grows with its tags and with a filter's values, not with their product", () => {
  const reads = { tags: 0, text: 0 };
  const charged = new Map<string, number>();
  const index = new SubscriptionIndex<{ name: string }>({
    hash: keyHash(),
    charge: ({ name }, steps) => charged.set(name, (charged.get(name) ?? 0) + steps),
  });
  const topics = Array.from({ length: 2_450 }, (_, n) => `topic ${n}`);
  const rooms = topics.map((_, n) => `room ${n}`);
  for (let n = 0; n < 20; n++) {
    index.add({ name: "dear" }, [filter({ "#t": topics, "#r": rooms.map((room) => `${room} of ${n}`) })]);
  }
  const plain = live(1, 1, [...topics.map((t) => ["t", t]), ...rooms.map((r) => ["r", r])]);
  const watched: LiveEvent = {
    ...plain,
    tagKeys: new Proxy(plain.tagKeys, {
      get(keys, name) {
        if (typeof name === "string" && /^\d+$/.test(name)) reads.tags++;
        return Reflect.get(keys, name);
      },
    }),
    get text() {
      reads.text++;
      return plain.text;
    },
  };
  assertEquals(heard(index, watched), []);
  // Once to look them up, and once to sort them.
  assert(reads.tags <= 3 * plain.tagKeys.length, `${reads.tags} tag keys were read`);
  assert(reads.text <= 40, `the text was read ${reads.text} times`);
  // Each filter was found by 2,450 keys, and asked once about as many values.
  assert(charged.get("dear")! <= 20 * (2_450 + 2_451), `${charged.get("dear")} steps`);
});

Deno.test("who costs steps in vain is told of them, and who is sent what it finds is not", () => {
  const charged: string[] = [];
  const index = new SubscriptionIndex<{ name: string }>({
    hash: keyHash(),
    charge: ({ name }) => charged.push(name),
  });
  index.add({ name: "matching" }, [filter({ "#t": ["a"] }), filter({ kinds: [1] })]);
  index.add({ name: "in vain" }, [filter({ kinds: [1], since: 20 })]);
  for (let events = 0; events < 5_000; events++) heard(index, live(1, 1, [["t", "a"]]));
  assertEquals(charged, ["in vain"]);
});

Deno.test("a filter whose kinds or times refuse an event pays nothing for its lists of tags", () => {
  const charged: string[] = [];
  const index = new SubscriptionIndex<{ name: string }>({
    hash: keyHash(),
    charge: ({ name }) => charged.push(name),
  });
  const ids = Array.from({ length: 4_000 }, (_, n) => hex(n + 1));
  index.add({ name: "of a kind" }, [filter({ kinds: [1], "#t": ["nostr"], "#e": ids })]);
  index.add({ name: "from now on" }, [filter({ since: 2_000_000_000, "#t": ["nostr"], "#e": ids })]);
  index.add({ name: "asked" }, [filter({ kinds: [7], "#t": ["nostr"], "#e": ids })]);
  for (let events = 0; events < 100; events++) heard(index, live(1, 7, [["t", "nostr"]]));
  assertEquals(new Set(charged), new Set(["asked"]));
});

Deno.test("many values of one key cost one look each", () => {
  const index = new SubscriptionIndex<{ name: string }>({ hash: keyHash() });
  // Nobody needs to find thousands of texts of one key here: the event says that it has all keys.
  const values = Array.from({ length: 3_000 }, (_, n) => `value ${n}`);
  const event = live(1, 1, [["t", "other"]]);
  let looks = 0;
  const watched: LiveEvent = {
    ...event,
    tagKeys: values.map((value) => tagKey("t", value)),
    get text() {
      looks++;
      return event.text;
    },
  };
  index.add({ name: "a" }, [filter({ "#t": values })]);
  assertEquals(heard(index, watched), []);
  assert(looks <= values.length + 40, `the text was asked for ${looks} times`);
});
