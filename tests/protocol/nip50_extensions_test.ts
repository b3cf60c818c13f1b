/**
 * NIP-50's extensions from outside, over the embedded index and over a real OpenSearch.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { signEvent, type TestEvent, type TestKey } from "../support/sign.ts";
import { index, searchBackends } from "./search_backends.ts";
import { freshKey, idsOf, nowSeconds, store } from "./shared_relay.ts";

const testBoth = await searchBackends();

const ids = (...events: readonly TestEvent[]) => events.map(({ id }) => id).toSorted();

testBoth("language: finds what is written in it, by label or by guess", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const english = signEvent(key, { content: "the ocarina that I bought yesterday sounds wonderful" });
  const german = signEvent(key, { content: "die ocarina, die ich gestern gekauft habe, klingt wunderbar" });
  const japanese = signEvent(key, { content: "昨日買った ocarina はとても良い音がします" });
  const labelled = signEvent(key, {
    content: "ocarina",
    tags: [["L", "ISO-639-1"], ["l", "de", "ISO-639-1"]],
  });
  const short = signEvent(key, { content: "ocarina!" });
  await index(client, { authors, search: "ocarina" }, english, german, japanese, labelled, short);
  const found = async (search: string) => (await idsOf(client, { authors, search })).toSorted();
  assertEquals(await found("ocarina language:en"), ids(english));
  assertEquals(await found("language:de ocarina"), ids(german, labelled));
  assertEquals(await found("language:ja"), ids(japanese));
  assertEquals(await found("ocarina language:fi"), []);
  assertEquals(await found("ocarina language:klingon"), ids(english, german, japanese, labelled, short));
});

testBoth("sentiment: finds what feels so, and nothing of which nobody knows", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const glad = signEvent(key, { content: "my bassoon is wonderful, I love it and I am so happy" });
  const sad = signEvent(key, { content: "the bassoon is broken, this is a terrible and awful day" });
  const plain = signEvent(key, { content: "the bassoon stands in the corner of the room" });
  const foreign = signEvent(key, { content: "das bassoon steht in der Ecke des Zimmers und ist wunderbar" });
  await index(client, { authors, search: "bassoon" }, glad, sad, plain, foreign);
  const found = async (search: string) => (await idsOf(client, { authors, search })).toSorted();
  assertEquals(await found("bassoon sentiment:positive"), ids(glad));
  assertEquals(await found("bassoon sentiment:negative"), ids(sad));
  assertEquals(await found("bassoon sentiment:neutral"), ids(plain));
  assertEquals(await found("bassoon sentiment:ambivalent"), ids(glad, sad, plain, foreign));
});

testBoth("spam is left out by default, and include:spam brings it", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const tags = Array.from({ length: 30 }, (_, i) => ["t", `tag${i}`]);
  const spam = signEvent(key, { content: "kazoo! claim your free airdrop", tags, created_at: 2_000 });
  const honest = signEvent(key, { content: "kazoo with many hashtags", tags, created_at: 1_000 });
  await index(client, { authors, search: "kazoo include:spam" }, spam, honest);
  assertEquals(await idsOf(client, { authors, search: "kazoo" }), [honest.id]);
  assertEquals(await idsOf(client, { authors, search: "" }), [honest.id]);
  assertEquals(
    (await idsOf(client, { authors, search: "include:spam kazoo" })).toSorted(),
    ids(spam, honest),
  );
  assertEquals((await idsOf(client, { authors })).length, 2, "a query that is no search leaves nothing out");
  client.send(["COUNT", "kazoos", { authors, search: "kazoo" }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "kazoos", { count: 1 }]);
});

testBoth("nsfw: leaves out what its author warns of", async (client) => {
  const key = freshKey();
  const authors = [key.pubkey];
  const plain = signEvent(key, { content: "vuvuzela" });
  const warned = signEvent(key, { content: "vuvuzela", tags: [["content-warning", "loud"]] });
  await index(client, { authors, search: "vuvuzela" }, plain, warned);
  assertEquals((await idsOf(client, { authors, search: "vuvuzela nsfw:true" })).length, 2);
  assertEquals(await idsOf(client, { authors, search: "vuvuzela nsfw:false" }), [plain.id]);
});

testBoth("sort:new, top, hot and rising order what is found, before the limit cuts", async (client) => {
  const [key, ...readers] = Array.from({ length: 13 }, freshKey) as [TestKey, ...TestKey[]];
  const authors = [key.pubkey];
  const now = nowSeconds();
  const DAY = 86_400;
  const filler = "and some other words that make it a longer note about instruments";
  const note = (content: string, daysOld: number) =>
    signEvent(key, { content, created_at: now - Math.floor(daysOld * DAY) });
  const classic = note(`a theremin ${filler}`, 30);
  const popular = note(`one theremin more, ${filler}`, 1);
  const young = note(`my new theremin ${filler}`, 0.01);
  const unheard = note("theremin theremin theremin", 0);
  const react = (target: TestEvent, count: number, secondsAgo: number) =>
    readers.slice(0, count).map((reader) =>
      signEvent(reader, {
        kind: 7,
        content: "+",
        tags: [["e", target.id], ["p", target.pubkey]],
        created_at: now - secondsAgo,
      })
    );
  // A crowd of one is no crowd.
  const noise = Array.from(
    { length: 20 },
    (_, i) =>
      signEvent(readers[0]!, { kind: 7, content: `${i}`, tags: [["e", unheard.id]], created_at: now - 10 }),
  );
  await store(client, ...react(classic, 12, 20 * DAY), ...react(popular, 6, 12 * 3_600), ...noise);
  await store(client, ...react(young, 3, 60));
  await index(client, { authors, search: "theremin" }, classic, popular, young, unheard);
  const found = (search: string, filter = {}) => idsOf(client, { authors, search, ...filter });
  const inOrder = (...events: TestEvent[]) => events.map(({ id }) => id);
  assertEquals((await found("theremin"))[0], unheard.id, "by the words alone");
  assertEquals(await found("theremin sort:new"), inOrder(unheard, young, popular, classic));
  assertEquals(await found("theremin sort:top"), inOrder(classic, popular, young, unheard));
  assertEquals(await found("theremin sort:top", { limit: 2 }), inOrder(classic, popular));
  assertEquals(await found("sort:top", { limit: 1, kinds: [1] }), inOrder(classic));
  assertEquals(await found("theremin sort:hot"), inOrder(young, unheard, popular, classic));
  assertEquals((await found("theremin sort:rising")).slice(0, 2), inOrder(young, unheard));
  assertEquals(await found("theremin sort:top", { until: now - DAY }), inOrder(classic, popular));
  assertEquals(await found("theremin sort:top", { limit: 0 }), []);
  assertEquals(
    (await found("theremin sort:sideways"))[0],
    unheard.id,
    "an order that nobody knows is ignored",
  );
  client.send(["COUNT", "theremins", { authors, search: "theremin sort:top" }]);
  assertEquals(await client.nextOfType("COUNT"), ["COUNT", "theremins", { count: 4 }]);
});
