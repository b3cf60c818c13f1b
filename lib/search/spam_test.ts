/** Tests of what counts as spam, and above all of what does not. */
import { assert } from "@std/assert";
import type { NostrEvent } from "../nostr/event.ts";
import { note } from "./search_test_fixture.ts";
import { isSpam } from "./spam.ts";
import { normalizeText } from "./text.ts";

function judge(content: string, fields: Partial<NostrEvent> = {}): boolean {
  return isSpam(note(content, { ...fields }), normalizeText(content));
}

const MANY_HASHTAGS = Array.from({ length: 25 }, (_, i) => ["t", `tag${i}`]);
const CROWD = Array.from({ length: 50 }, (_, i) => ["p", i.toString(16).padStart(64, "0")]);

Deno.test("isSpam() takes two signs together for spam", () => {
  const cases: [string, Partial<NostrEvent>][] = [
    ["Double your bitcoin with us", { tags: MANY_HASHTAGS }],
    ["Claim your free airdrop now", { tags: CROWD }],
    ["Guaranteed profits! Contact me on WhatsApp", {}],
    ["https://a.example https://b.example https://c.example https://d.example", { tags: CROWD }],
    ["BUY THIS TOKEN BEFORE IT IS TOO LATE, IT GOES TO THE MOON TODAY AND TOMORROW", { tags: MANY_HASHTAGS }],
    ["buy now ".repeat(40) + "claim your reward", {}],
    ["𝗖𝗹𝗮𝗶𝗺 𝘆𝗼𝘂𝗿 𝗮𝗶𝗿𝗱𝗿𝗼𝗽", {}],
  ];
  for (const [content, fields] of cases) assert(judge(content, fields), content);
});

Deno.test("isSpam() lets a single sign pass", () => {
  const cases: [string, Partial<NostrEvent>][] = [
    ["Good morning", { tags: MANY_HASHTAGS }],
    ["Good morning everybody in this thread", { tags: CROWD }],
    ["Somebody told me to double your bitcoin, what a scam", {}],
    ["https://a.example https://b.example https://c.example https://d.example", {}],
    ["I CANNOT BELIEVE THAT WE HAVE WON THIS GAME, WHAT A DAY, WHAT A NIGHT, AMAZING", {}],
    ["ha ha ha ".repeat(30), {}],
    ["𝓱𝓮𝓵𝓵𝓸 𝓶𝔂 𝓭𝓮𝓪𝓻 𝓯𝓻𝓲𝓮𝓷𝓭𝓼", {}],
    ["", { tags: MANY_HASHTAGS }],
  ];
  for (const [content, fields] of cases) assert(!judge(content, fields), content);
});

Deno.test("isSpam() sees no crowd in a list", () => {
  assert(judge("claim your reward", { kind: 1, tags: CROWD }));
  assert(!judge("claim your reward", { kind: 30_000, tags: CROWD }));
});

Deno.test("isSpam() believes much work", () => {
  const mined = [...MANY_HASHTAGS, ["nonce", "1", "24"]];
  const id = "000000" + "f".repeat(58);
  assert(!judge("Double your bitcoin", { tags: mined, id }));
  assert(judge("Double your bitcoin", { tags: mined, id: "00000" + "f".repeat(59) }));
  assert(judge("Double your bitcoin", { tags: MANY_HASHTAGS, id }), "nobody meant to do that work");
});
