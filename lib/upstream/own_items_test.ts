/** Tests of our own items for comparisons: whole seconds, newest first, in slices, few windows at one time. */
import { assertEquals, assertRejects } from "@std/assert";
import { memoryStore } from "../../tests/support/memory_store.ts";
import { plainEvent } from "../../tests/support/plain_event.ts";
import { Prng } from "../../tests/support/prng.ts";
import { UPSTREAM_COMPARISONS_MAX } from "../limits.ts";
import { FilterError } from "../nostr/filter.ts";
import { EventReader } from "../store/read/event_reader.ts";
import { OwnItems, type OwnWindow } from "./own_items.ts";

const START = 1_700_000_000;

function timesOf({ items }: OwnWindow): number[] {
  return Array.from({ length: items.size }, (_, at) => items.item(at).timestamp - START);
}

async function withItems(
  seconds: readonly number[],
  itemsMax: number,
  test: (own: OwnItems, clock: { now: number }) => Promise<void>,
) {
  const prng = new Prng(3);
  const clock = { now: START };
  using db = memoryStore(
    ...seconds.map((second, at) =>
      plainEvent({ id: prng.hex(32), kind: at % 2, pubkey: prng.hex(32), created_at: START + second })
    ),
  );
  const own = new OwnItems(new EventReader(db), {
    turn: () => Promise.resolve(),
    nowSeconds: () => clock.now,
    itemsMax,
  });
  await test(own, clock);
}

const WHOLE = { since: 0, until: START + 1_000 };

Deno.test("all items of a range are gathered, those of the filter alone", () =>
  withItems([1, 2, 3, 4, 5, 6], 100, async (own) => {
    const all = await own.gather({ until: START + 5 }, { since: 0, until: START + 5 });
    assertEquals([timesOf(all), all.since], [[1, 2, 3, 4, 5], 0]);
    const some = await own.gather({ kinds: [1], since: START + 3 }, { ...WHOLE, since: START + 3 });
    assertEquals([timesOf(some), some.since], [[4, 6], START + 3]);
    await assertRejects(() => own.gather({ kinds: ["a"] }, WHOLE), FilterError);
  }));

Deno.test("where there are too many, the newest whole seconds are given, and where they begin", () =>
  withItems([1, 2, 2, 3, 3, 3, 4], 3, async (own) => {
    const newest = await own.gather({}, WHOLE);
    assertEquals([timesOf(newest), newest.since], [[3, 3, 3, 4], START + 3]);
    const next = await own.gather({ until: START + 2 }, { since: 0, until: START + 2 });
    assertEquals([timesOf(next), next.since], [[1, 2, 2], 0]);
    const empty = await own.gather({ until: START }, { since: 0, until: START });
    assertEquals([empty.items.size, empty.since], [0, 0]);
  }));

Deno.test("few sets are held at one time, and each that nobody uses makes room for another", () =>
  withItems([1], 10, async (own) => {
    const held: OwnWindow[] = [];
    const asked = Array.from({ length: UPSTREAM_COMPARISONS_MAX + 2 }, (_, at) => {
      const range = { since: START - at, until: START + 1_000 };
      return own.gather(range, range).then((window) => held.push(window));
    });
    await Promise.all(asked.slice(0, UPSTREAM_COMPARISONS_MAX));
    assertEquals(held.length, UPSTREAM_COMPARISONS_MAX);
    held[0]!.release();
    await asked[UPSTREAM_COMPARISONS_MAX];
    assertEquals(held.length, UPSTREAM_COMPARISONS_MAX + 1);
    for (const window of held.slice(1)) window.release();
    await Promise.all(asked);
  }));

Deno.test("a set serves all who ask for the same within a minute", () =>
  withItems([1], 10, async (own, clock) => {
    const windows = await Promise.all([own.gather({ kinds: [0] }, WHOLE), own.gather({ kinds: [0] }, WHOLE)]);
    assertEquals(windows[0].items === windows[1].items, true);
    for (const { release } of windows) release();
    clock.now += 60;
    const later = await own.gather({ kinds: [0] }, WHOLE);
    assertEquals(later.items === windows[0].items, true);
    clock.now += 1;
    const last = await own.gather({ kinds: [0] }, WHOLE);
    assertEquals([last.items === later.items, timesOf(last)], [false, [1]]);
  }));
