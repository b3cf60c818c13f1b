/**
 * What every registry of the fan-out has to do: one suite, which each implementation passes.
 * Runs on a test's thread; a registry belongs to its test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { FANOUT_PAGE_ROWS, FANOUT_SUBSCRIPTIONS_MAX } from "../limits.ts";
import type { Bot, NewSubscription, Registry, RegistryOptions, Subscription } from "./registry.ts";

/** Opens a registry that is empty; the second call opens the same one again, as another process does. */
type OpenRegistry = (options?: RegistryOptions) => Promise<Registry>;

const key = (number: number) => number.toString(16).padStart(64, "0");
const BOT: Bot = { pubkey: key(1), name: "one", nostrPubkey: null, ethAddress: null };
const SEALED = new Uint8Array(64).fill(7);

function subscription(bot: string, follower: string, more: Partial<NewSubscription> = {}): NewSubscription {
  return { bot, follower, sealed: SEALED, since: 1_700_000_000_000, isByBot: false, ...more };
}

/** Declares one test. */
type Declare = (what: string, run: (open: OpenRegistry) => Promise<void>) => void;

/** Declares the tests of one implementation; `withRegistry` gives a new registry to each. */
export function testRegistry(
  name: string,
  withRegistry: (test: (open: OpenRegistry) => Promise<void>) => Promise<void>,
): void {
  const test: Declare = (what, run) => Deno.test(`${name}: ${what}`, () => withRegistry(run));
  testRows(test);
  testBounds(test);
  testChanges(test);
}

/** What is kept. */
function testRows(test: Declare): void {
  test("a bot is registered once, and its name may change", async (open) => {
    const registry = await open();
    assertEquals(await registry.hasBot(BOT.pubkey), false);
    assertEquals(await registry.register(BOT), "done");
    const { version } = await registry.changesAfter(0);
    assertEquals(await registry.register({ ...BOT, name: "two", ethAddress: "0x1" }), "done");
    // Nobody has to load anything anew for a name.
    assertEquals(await registry.changesAfter(version), { version, bots: [], followers: [] });
    assertEquals(await registry.hasBot(BOT.pubkey), true);
    assertEquals(await registry.bots({ after: "", max: 10 }), [BOT.pubkey]);
    await registry.close();
  });

  test("a subscription needs its bot, is kept, replaced and removed", async (open) => {
    const registry = await open();
    const made = subscription(BOT.pubkey, key(2));
    assertEquals(await registry.subscribe(made), "unknown bot");
    await registry.register(BOT);
    assertEquals(await registry.subscribe(made), "done");
    const { isByBot: _, ...kept } = made;
    assertEquals(plain(await registry.subscriptionsOf(key(2))), [kept]);
    await registry.subscribe({ ...made, sealed: null, since: 1_800_000_000_000 });
    // It has been followed since the first time.
    assertEquals(plain(await registry.subscriptionsOf(key(2))), [{ ...kept, sealed: null }]);
    assertEquals(await registry.unsubscribe(BOT.pubkey, key(2)), true);
    assertEquals(await registry.unsubscribe(BOT.pubkey, key(2)), false);
    assertEquals(await registry.subscriptionsOf(key(2)), []);
    await registry.close();
  });

  test("followers are listed in pages, in the order of their keys", async (open) => {
    const registry = await open();
    await registry.register(BOT);
    for (const follower of [9, 3, 7, 5]) await registry.subscribe(subscription(BOT.pubkey, key(follower)));
    assertEquals(await registry.followersOf(BOT.pubkey, { after: "", max: 3 }), [3, 5, 7].map(key));
    assertEquals(await registry.followersOf(BOT.pubkey, { after: key(7), max: 3 }), [key(9)]);
    assertEquals(await registry.followersOf(key(8), { after: "", max: 3 }), []);
    await registry.close();
  });

  test("a removed bot takes its subscriptions with it", async (open) => {
    const registry = await open();
    await registry.register(BOT);
    await registry.subscribe(subscription(BOT.pubkey, key(2)));
    assertEquals(await registry.unregister(BOT.pubkey), true);
    assertEquals(await registry.unregister(BOT.pubkey), false);
    await registry.register(BOT);
    assertEquals(await registry.subscriptionsOf(key(2)), []);
    await registry.close();
  });
}

/** What has a bound. */
function testBounds(test: Declare): void {
  test("what a bot makes counts for the bot, and what a follower makes for the follower", async (open) => {
    const registry = await open();
    const bots = Array.from({ length: FANOUT_SUBSCRIPTIONS_MAX + 3 }, (_, i) => key(1_000 + i));
    await inTurns(bots, (pubkey) => registry.register({ ...BOT, pubkey }));
    const last = bots.splice(-2);
    await inTurns(bots, (bot) => registry.subscribe(subscription(bot, key(2), { isByBot: true })));
    const own = bots.slice(0, FANOUT_SUBSCRIPTIONS_MAX);
    await inTurns(own, (bot) => registry.subscribe(subscription(bot, key(2))));
    assertEquals(await registry.subscribe(subscription(last[0]!, key(2))), "full");
    assertEquals(await registry.subscribe(subscription(last[0]!, key(2), { isByBot: true })), "done");
    // Again is not more.
    assertEquals(await registry.subscribe(subscription(own[0]!, key(2))), "done");
    const served = await registry.subscriptionsOf(key(2));
    assertEquals(served.length, bots.length + 1);
    assertEquals(served.slice(0, own.length).map(({ bot }) => bot), own);
    await registry.close();
  });

  test("sweep() deletes what a removed bot has left, and nothing else", async (open) => {
    const registry = await open();
    assertEquals(await registry.sweep(), false);
    await registry.register(BOT);
    await registry.register({ ...BOT, pubkey: key(3) });
    const followers = Array.from({ length: FANOUT_PAGE_ROWS + 1 }, (_, i) => key(10 + i));
    await inTurns(followers, (follower) => registry.subscribe(subscription(BOT.pubkey, follower)));
    await registry.subscribe(subscription(key(3), key(10)));
    await registry.unregister(BOT.pubkey);
    assertEquals(await registry.sweep(), true);
    await registry.register(BOT);
    assertEquals(await registry.followersOf(BOT.pubkey, { after: "", max: 10 }), []);
    await registry.subscribe(subscription(BOT.pubkey, key(11)));
    assertEquals(await registry.sweep(), true);
    assertEquals(await registry.sweep(), false);
    assertEquals(await registry.followersOf(BOT.pubkey, { after: "", max: 10 }), [key(11)]);
    assertEquals(await registry.followersOf(key(3), { after: "", max: 10 }), [key(10)]);
    await registry.close();
  });
}

/** What others changed. */
function testChanges(test: Declare): void {
  test("another process sees each change, and what is open and what was closed", async (open) => {
    const [ours, theirs] = [await open(), await open()];
    await ours.register(BOT);
    const first = await theirs.changesAfter(0);
    assertEquals(first.bots, [BOT.pubkey]);
    await ours.subscribe(subscription(BOT.pubkey, key(2)));
    await ours.unsubscribe(BOT.pubkey, key(2));
    const second = await theirs.changesAfter(first.version);
    assertEquals(second, { version: first.version + 2, bots: [], followers: [key(2), key(2)] });
    assertEquals(await theirs.changesAfter(second.version), { ...second, followers: [] });
    await theirs.close();
    await ours.unregister(BOT.pubkey);
    assertEquals((await ours.changesAfter(second.version)).bots, [BOT.pubkey]);
    await ours.close();
  });

  test("a version that the registry does not know means: load all anew", async (open) => {
    const registry = await open();
    await registry.register(BOT);
    const { version } = await registry.changesAfter(0);
    assertEquals(await registry.changesAfter(version + 1), { version, bots: null, followers: [] });
    await registry.close();
  });

  test("whoever is too far behind loads all anew", async (open) => {
    const registry = await open({ changesKept: 5 });
    await registry.register(BOT);
    const followers = Array.from({ length: 9 }, (_, i) => key(10 + i));
    await inTurns(followers, (follower) => registry.subscribe(subscription(BOT.pubkey, follower)));
    assertEquals(await registry.changesAfter(4), { version: 10, bots: null, followers: [] });
    assertEquals((await registry.changesAfter(5)).followers, followers.slice(4));
    await registry.close();
  });
}

/** Both libraries give bytes in classes of their own. */
function plain(rows: readonly Subscription[]): Subscription[] {
  return rows.map((row) => ({ ...row, sealed: row.sealed === null ? null : new Uint8Array(row.sealed) }));
}

async function inTurns(keys: readonly string[], work: (key: string) => Promise<unknown>): Promise<void> {
  for (const key of keys) await work(key);
}
