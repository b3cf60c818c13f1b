/** Tests of the scan for an id: it finds what a parser finds, or gives up. */
import { assertEquals } from "@std/assert";
import { seededPrng } from "../../tests/support/prng.ts";
import { eventIdIn } from "./event_id.ts";

const ID = "0a".repeat(32);
const OTHER = "b1".repeat(32);

Deno.test("the id is found wherever simple fields stand before it, and space between", () => {
  for (
    const text of [
      `{"id":"${ID}","kind":1}`,
      `["EVENT","s",{"kind":1,"id":"${ID}"}]`,
      `["EVENT", "s", {"content": "a \\"id\\":\\"${OTHER}\\" \\\\", "created_at": 5, "id" : "${ID}", "kind":1}]`,
      `{"tags":[["e","${OTHER}"],["a]","{"]],"id":"${ID}"}`,
      `{"content":"x","created_at":1,"id":"${ID}","kind":1,"tags":[["t","identity"]]}`,
    ]
  ) assertEquals(eventIdIn(text), ID, text);
});

Deno.test("the scan gives up where a parser could find another id", () => {
  for (
    const text of [
      "",
      "[]",
      `{"kind":1}`,
      `{"id":"${ID.slice(1)}"}`,
      `{"id":"${ID}0"}`,
      `{"id":"${ID.toUpperCase()}"}`,
      `{"id":5}`,
      `{"x":{"id":"${OTHER}"},"id":"${ID}"}`,
      `{"tags":[{"id":"${OTHER}"}],"id":"${ID}"}`,
      `{"id":"${OTHER}","id":"${ID}"}`,
      `{"id":"${OTHER}","\\u0069d":"${ID}"}`,
      `{"id":"${OTHER}","i\\u0064":"${ID}"}`,
      `{"foo\\"id":"${OTHER}","id":"${ID}"}`,
      `{"content":"never ends,"id":"${ID}"}`,
      `{"content":"${"\\".repeat(9)}","id":"${ID}`,
      `["EVENT","s"`,
    ]
  ) assertEquals(eventIdIn(text), null, text);
});

Deno.test("a text that was changed at random gives the id that a parser finds, or none", () => {
  const prng = seededPrng("ids in changed texts");
  const parts = ['"', "\\", "{", "}", "[", "]", ",", ":", '"id"', `"${OTHER}"`, "\\u0069", "1", " ", "x"];
  const start = `{"content":"a\\"b","tags":[["e","${OTHER}"]],"kind":1,"id":"${ID}","sig":"c"}`;
  let found = 0;
  for (let round = 0; round < 20_000; round++) {
    let text = start;
    for (let change = prng.int(0, 3); change > 0; change--) {
      const at = prng.int(0, text.length);
      text = text.slice(0, at) + (prng.chance(0.7) ? prng.pick(parts) : "") + text.slice(at + prng.int(0, 4));
    }
    const id = eventIdIn(text);
    if (id === null) continue;
    const event = parsed(text);
    if (event === null) continue;
    assertEquals(id, event.id, text);
    found++;
  }
  assertEquals(found > 2_000, true, `${found} were found`);
});

function parsed(text: string): { id?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
