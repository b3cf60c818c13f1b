/** Tests of cached texts: when one is kept, what is found, and that nothing is found that has gone or that never fit. */
import { assert, assertEquals } from "@std/assert";
import { CACHED_TEXT_BYTES_MAX, TEXT_CACHE_CHUNK_BYTES, TEXT_CACHE_PLACES } from "../../limits.ts";
import { idKey } from "../../nostr/keys.ts";
import { type CachedForm, TextCache } from "./text_cache.ts";

const FORMS: CachedForm[] = ["bytes", "strings"];
const idOf = (n: number) => n.toString(16).padStart(13, "0").padEnd(64, "f");
const textOf = (id: string, content = "日 é x") => `{"id":"${id}","content":"${content}"}`;

/** Has a text read as often as it takes for it to be kept. */
function keep(texts: TextCache, seq: number, id: string, text = textOf(id)): void {
  for (let time = 0; time < 2; time++) texts.read(idKey(id), seq, 0, text);
}

for (const form of FORMS) {
  Deno.test(`a text is kept when it is read again, and found by its place and by its id (${form})`, () => {
    const texts = new TextCache(TEXT_CACHE_CHUNK_BYTES, form);
    const id = idOf(5);
    texts.read(idKey(id), 1, 77, textOf(id));
    assertEquals([texts.at(1), texts.of(id)], [null, null]);
    texts.read(idKey(id), 1, 77, textOf(id));
    const text = texts.at(1)!;
    assertEquals([String(text), text.seq, text.expiresAt], [textOf(id), 1, 77]);
    assert(texts.of(id) === text);
    assertEquals(typeof text.message === "string", form === "strings");
    if (form === "bytes") assertEquals(new TextDecoder().decode(text.bytes), textOf(id));
    texts.read(idKey(id), 1, 77, textOf(id));
    assert(texts.at(1) === text, "a text is kept once");
    texts.remove(1);
    assertEquals([texts.at(1), texts.of(id)], [null, null]);
  });

  Deno.test(`ids of one key and places of one remainder are told apart (${form})`, () => {
    const texts = new TextCache(TEXT_CACHE_CHUNK_BYTES, form);
    const [one, twin] = [idOf(5), idOf(5).replace(/f$/, "e")];
    assertEquals(idKey(one), idKey(twin));
    keep(texts, 1, one);
    assertEquals(texts.of(twin), null);
    assertEquals(texts.at(1 + TEXT_CACHE_PLACES), null);
    keep(texts, 2, twin);
    assertEquals([texts.of(twin)?.seq, texts.of(one), texts.at(1)?.seq], [2, null, 1]);
    texts.remove(1);
    assertEquals(texts.of(twin)?.seq, 2, "the twin's place is its own");
    keep(texts, 2 + TEXT_CACHE_PLACES, idOf(6));
    assertEquals([texts.at(2), texts.of(twin)], [null, null], "displaced by seq, gone by id too");
  });

  Deno.test(`texts are bounded in bytes, the oldest go first, and clear() forgets all (${form})`, () => {
    const texts = new TextCache(2 * TEXT_CACHE_CHUNK_BYTES, form);
    const content = "日".repeat(CACHED_TEXT_BYTES_MAX / 3 - 200);
    const count = 1_000;
    const kept: number[] = [];
    for (let n = 1; n <= count; n++) {
      keep(texts, n, idOf(n), textOf(idOf(n), content));
      if (texts.at(n) !== null) kept.push(n);
    }
    const room = TEXT_CACHE_CHUNK_BYTES / (content.length * (form === "bytes" ? 3 : 2));
    // All find room at first, then one of some.
    assert(kept.filter((n) => n <= 2 * room - 4).length >= 2 * room - 5, `${kept.length} were kept`);
    assert(kept.length > 2 * room && kept.length < count / 2, `${kept.length} were kept`);
    const left = kept.filter((n) => texts.at(n) !== null);
    assertEquals(left, kept.slice(-left.length), "the newest");
    assert(left.length <= 2 * room && left.length > room / 2, `${left.length} are left`);
    for (const n of kept) {
      const text = texts.of(idOf(n));
      assertEquals(text !== null, left.includes(n));
      if (text !== null) assertEquals(String(text), textOf(idOf(n), content));
    }
    texts.clear();
    for (const n of kept) assertEquals([texts.at(n), texts.of(idOf(n))], [null, null]);
    keep(texts, 1, idOf(1));
    assertEquals(texts.at(1)?.seq, 1);
  });

  Deno.test(`a long text is not kept, and who reads through everything drives nothing out (${form})`, () => {
    const texts = new TextCache(TEXT_CACHE_CHUNK_BYTES, form);
    keep(texts, 1, idOf(1), textOf(idOf(1), "x".repeat(CACHED_TEXT_BYTES_MAX / 3)));
    assertEquals(texts.at(1), null);
    keep(texts, 2, idOf(2));
    for (let seq = 3; seq < 10_000; seq++) texts.read(seq, seq, 0, textOf(idOf(seq)));
    assertEquals(texts.at(2)?.seq, 2);
  });
}
