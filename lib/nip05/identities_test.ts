/**
 * Tests of what is kept of identifiers, and of searches by domain. Run on the main thread; each test has a file of its own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { key, plainEvent } from "../../tests/support/plain_event.ts";
import { parseFilter } from "../nostr/filter.ts";
import {
  NIP05_AGAIN_SECONDS,
  NIP05_AUTHOR_SECONDS_MIN,
  NIP05_RETRY_SECONDS,
  NIP05_STALE_SECONDS,
} from "../limits.ts";
import type { SearchReader, SearchRequest } from "../search/search_index.ts";
import { DomainSearch } from "./domain_search.ts";
import { Identities, VerifiedAuthors } from "./identities.ts";

const [A, B, C] = [key("a"), key("b"), key("c")];
const NOW = 1_000_000;
let lastId = 0;

function profile(pubkey: string, nip05: string | null, created_at = NOW) {
  const id = (++lastId).toString(16).padStart(64, "0");
  return plainEvent({
    id,
    pubkey,
    kind: 0,
    created_at,
    content: JSON.stringify(nip05 === null ? {} : { nip05 }),
  });
}

async function opened(test: (identities: Identities, verified: VerifiedAuthors) => void | Promise<void>) {
  const directory = await Deno.makeTempDir();
  const identities = new Identities(`${directory}/nip05.db`);
  const verified = new VerifiedAuthors(`${directory}/nip05.db`);
  try {
    await test(identities, verified);
  } finally {
    verified.close();
    identities.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("an author belongs to a domain from the verification on, until another profile says otherwise", () =>
  opened((identities, verified) => {
    identities.apply([profile(A, "a@x.example"), profile(B, "b@x.example")], [], 2, NOW);
    assertEquals(identities.seqWithin(2), 2);
    assertEquals(verified.of("x.example"), []);
    for (const due of identities.due(NOW, 10)) identities.decide(due, "verified", NOW);
    assertEquals(verified.of("x.example"), [A, B]);
    assertEquals(verified.of("x.example", [B, C]), [B]);
    assertEquals(verified.of("example"), []);
    identities.apply(
      [profile(A, "a@x.example", NOW + 1), profile(B, "b@y.example", NOW + 1)],
      [],
      4,
      NOW + 1,
    );
    assertEquals(verified.of("x.example"), [A]);
    identities.apply([profile(A, null, NOW)], [], 5, NOW + 2);
    assertEquals(verified.of("x.example"), [A], "an older profile says nothing");
    identities.apply([profile(A, null, NOW + 3)], [], 6, NOW + 3);
    assertEquals(verified.of("x.example"), []);
  }));

Deno.test("the removal of a profile takes its claim along", () =>
  opened((identities, verified) => {
    const claim = profile(A, "a@x.example");
    identities.apply([claim], [], 1, NOW);
    identities.decide(identities.due(NOW, 1)[0]!, "verified", NOW);
    identities.apply([], [key("f")], 2, NOW);
    assertEquals(verified.of("x.example"), [A]);
    identities.apply([], [claim.id], 3, NOW);
    assertEquals(verified.of("x.example"), []);
  }));

Deno.test("an identifier is looked at again, and one whose domain is silent stays verified for a while only", () =>
  opened((identities, verified) => {
    identities.apply([profile(A, "a@x.example")], [], 1, NOW);
    const [due] = identities.due(NOW, 1);
    identities.decide(due!, "verified", NOW);
    assertEquals(identities.due(NOW + NIP05_AGAIN_SECONDS - 1, 1), []);
    assertEquals(identities.due(NOW + NIP05_AGAIN_SECONDS, 1), [due!]);
    const silent = NOW + NIP05_AGAIN_SECONDS;
    identities.decide(due!, "unknown", silent);
    assertEquals(verified.of("x.example"), [A]);
    assertEquals(identities.due(silent + NIP05_RETRY_SECONDS, 1), [due!]);
    identities.decide(due!, "unknown", NOW + NIP05_STALE_SECONDS);
    assertEquals(verified.of("x.example"), []);
    identities.decide(due!, "verified", NOW);
    identities.decide(due!, "refuted", NOW + 1);
    assertEquals(verified.of("x.example"), []);
  }));

Deno.test("a profile that changes again and again is not asked about each time, nor verified for what it was", () =>
  opened((identities, verified) => {
    identities.apply([profile(A, "a@x.example")], [], 1, NOW);
    const [first] = identities.due(NOW, 1);
    identities.decide(first!, "refuted", NOW);
    identities.apply([profile(A, "b@y.example", NOW + 1)], [], 2, NOW + 1);
    assertEquals(identities.due(NOW + NIP05_AUTHOR_SECONDS_MIN - 1, 1), []);
    assertEquals(identities.due(NOW + NIP05_AUTHOR_SECONDS_MIN, 1).map(({ domain }) => domain), [
      "y.example",
    ]);
    identities.decide(first!, "verified", NOW + 2);
    assertEquals([verified.of("x.example"), verified.of("y.example")], [[], []]);
  }));

Deno.test("domain: narrows a search to the authors of the domain, and every other search passes as it is", () =>
  opened(async (identities, verified) => {
    identities.apply([profile(A, "a@x.example"), profile(B, "b@x.example")], [], 1, NOW);
    for (const due of identities.due(NOW, 10)) identities.decide(due, "verified", NOW);
    const asked: SearchRequest[] = [];
    const inner: SearchReader = {
      description: "",
      search: (request) => Promise.resolve({ ids: [String(asked.push(request))] }),
      close: () => Promise.resolve(),
    };
    const search = new DomainSearch(inner, verified);
    const authorsOf = async (filter: Record<string, unknown>) => {
      asked.length = 0;
      const parsed = parseFilter(filter, { limitMax: 10, limitDefault: 10 });
      const { ids } = await search.search({ filter: parsed, now: NOW });
      assertEquals(ids.length, asked.length);
      return asked[0]?.filter.authors ?? (asked.length === 0 ? "nobody" : "anybody");
    };
    assertEquals(await authorsOf({ search: "w" }), "anybody");
    assertEquals(await authorsOf({ search: "w language:en", authors: [C] }), [C]);
    assertEquals(await authorsOf({ search: "w domain:X.example" }), [A, B]);
    assertEquals(await authorsOf({ search: "domain:x.example", authors: [B, C] }), [B]);
    assertEquals(await authorsOf({ search: "w domain:x.example", authors: [C] }), "nobody");
    assertEquals(await authorsOf({ search: "w domain:y.example" }), "nobody");
    assertEquals(await authorsOf({ search: "w domain:localhost" }), "nobody");
    await search.close();
  }));

Deno.test("a cursor that an earlier version has kept is taken over, also where that has run again since", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/nip05.db`;
  const place = (seq: number) => {
    using db = new DatabaseSync(path);
    db.exec(
      `CREATE TABLE IF NOT EXISTS place (seq INTEGER NOT NULL) STRICT; INSERT INTO place VALUES (${seq})`,
    );
  };
  const cursor = (lastSeq: number) => {
    const identities = new Identities(path);
    const seq = identities.seqWithin(lastSeq);
    identities.close();
    return seq;
  };
  place(7);
  assertEquals([cursor(9), cursor(9)], [7, 7]);
  place(8);
  assertEquals([cursor(9), cursor(7), cursor(9)], [8, 0, 0], "and a log that is shorter is another one");
  await Deno.remove(directory, { recursive: true });
});
