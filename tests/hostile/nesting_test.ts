/**
 * Messages of arrays in arrays without end: each is refused by the answer of its verb, and the connection lives.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { JSON_DEPTH_MAX } from "../../lib/limits.ts";
import { connect, type Message } from "../support/client.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";

const LEVELS = 60_000;
const DEEP = `${"[".repeat(LEVELS)}${"]".repeat(LEVELS)}`;
const WHY = `deeper in each other than ${JSON_DEPTH_MAX} levels`;

for (const tier of ["auto", "wasm"]) {
  Deno.test(`what nests without end is refused by the answer of its verb (${tier})`, async () => {
    await using relay = await startRelay({ env: { VERIFY_TIER: tier } });
    await using client = await connect(relay.url);
    const asked = async (text: string, of: string, why = WHY): Promise<Message> => {
      client.sendRaw(text);
      const answer = await client.next(([type]) => type !== "AUTH");
      assertEquals(answer[0], of, JSON.stringify(answer));
      assertStringIncludes(JSON.stringify(answer), why);
      return answer;
    };
    assertEquals((await asked(`["REQ","a",{"deep":${DEEP}}]`, "CLOSED", "unsupported: "))[1], "a");
    assertEquals((await asked(`["REQ","a",{"kinds":${DEEP}}]`, "CLOSED", "invalid: "))[1], "a");
    assertEquals((await asked(`["COUNT","b",${DEEP}]`, "CLOSED", "invalid: "))[1], "b");
    assertEquals(
      (await asked(`["NEG-OPEN","c",{"deep":${DEEP}},"6100000200"]`, "NEG-ERR", "unsupported: "))[1],
      "c",
    );
    const event = signEvent(testKey(1), { content: "deep" });
    const deep = JSON.stringify(event).replace(/\}$/, `,"deep":${DEEP}}`);
    assertEquals((await asked(`["EVENT",${deep}]`, "OK")).slice(1, 3), [event.id, false]);
    assertEquals((await asked(`["AUTH",${deep}]`, "OK")).slice(1, 3), [event.id, false]);
    assertEquals((await client.publish(event))[2], true);
    assertEquals((await client.query({ ids: [event.id] })).events.length, 1);
  });
}
