/**
 * NIP-50's `domain:` from outside: authors who were verified for a domain are found, and nobody else. Who they are is
 * written beside the running relay, because no test calls a domain.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Identities } from "../../lib/nip05/identities.ts";
import { connect } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { signEvent, type TestKey } from "../support/sign.ts";
import { FLUSH, index } from "./search_backends.ts";
import { freshKey, idsOf, nowSeconds, sharedRelay, store } from "./shared_relay.ts";

const checking = await sharedRelay({ ...FLUSH, NIP05_CHECK: "true" });
const plain = await sharedRelay(FLUSH);

function profileOf(key: TestKey, nip05: string) {
  return signEvent(key, { kind: 0, content: JSON.stringify({ nip05 }) });
}

Deno.test("domain: finds events of the authors who were verified for it, with words and without", async () => {
  const [author, claimant, other] = [freshKey(), freshKey(), freshKey()];
  await using client = await connect(checking.url);
  // No such domain exists (RFC 6761): the relay's own look-ups find nothing out.
  const profile = profileOf(author, "bob@domain-test.invalid");
  await store(client, profile, profileOf(claimant, "eve@domain-test.invalid"));
  const notes = [author, claimant, other].map((key) => signEvent(key, { content: "a zither sounds" }));
  await index(client, { search: "zither" }, ...notes);
  assertEquals(await idsOf(client, { search: "zither domain:domain-test.invalid" }), []);
  const identities = new Identities(`${checking.dataDir}/nip05.db`);
  const due = { author: author.pubkey, name: "bob", domain: "domain-test.invalid" };
  await eventually(
    () => {
      // The relay takes the profile in by itself, in a moment.
      identities.decide(due, "verified", nowSeconds());
      return idsOf(client, { search: "zither domain:domain-test.invalid" }).then((ids) => ids.length > 0);
    },
    20_000,
    "the author is known",
  );
  identities.close();
  assertEquals(await idsOf(client, { search: "zither domain:domain-test.invalid" }), [notes[0]!.id]);
  assertEquals(await idsOf(client, { kinds: [0], search: "domain:DOMAIN-test.invalid" }), [profile.id]);
  assertEquals(
    await idsOf(client, { search: "zither domain:domain-test.invalid", authors: [other.pubkey] }),
    [],
  );
  assertEquals(await idsOf(client, { search: "zither domain:other.invalid" }), []);
  client.send(["COUNT", "n", { search: "zither domain:domain-test.invalid" }]);
  assertEquals((await client.nextOfType("COUNT"))[2], { count: 1 });
});

Deno.test("without the setting domain: is ignored, and no identity is kept", async () => {
  const key = freshKey();
  await using client = await connect(plain.url);
  await store(client, profileOf(key, "bob@domain-test.invalid"));
  const note = signEvent(key, { content: "a zither sounds" });
  await index(client, { search: "zither" }, note);
  assertEquals(await idsOf(client, { search: "zither domain:domain-test.invalid" }), [note.id]);
  const files = (await Array.fromAsync(Deno.readDir(plain.dataDir))).map(({ name }) => name);
  assertEquals(files.filter((name) => name.startsWith("nip05")), []);
});
