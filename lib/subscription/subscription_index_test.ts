/** Tests of the subscription index; whom it finds among random filters, `tests/fuzz/req_fuzz_test.ts` compares. */
import { assertEquals } from "@std/assert";
import { parseFilter } from "../nostr/filter.ts";
import { eventFacts } from "../nostr/packed_event.ts";
import { idKey, pubkeyKey } from "../nostr/keys.ts";
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
  const index = new SubscriptionIndex<{ name: string }>();
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
  const index = new SubscriptionIndex<{ name: string }>();
  const twin = `ff${hex(3).slice(2)}`;
  index.add({ name: "twin" }, [filter({ authors: [twin] })]);
  index.add({ name: "both" }, [filter({ authors: [twin, hex(3)] })]);
  assertEquals(heard(index, live(3)), ["both"]);
});

Deno.test("a subscription that a delivery closes is not delivered to any more, and others are", () => {
  const index = new SubscriptionIndex<{ name: string }>();
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
