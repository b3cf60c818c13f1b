/**
 * Long events, and then short requests whose conditions make the relay read all of them and find none.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { testKey } from "../../support/sign.ts";
import type { Attack } from "./attack.ts";
import { longEvent } from "./filling.ts";

const EVENTS = 400;
const REQUESTS = 2_000;
const KEY = testKey(9_020);

/** See the module's text. */
export const longScans: Attack = {
  name: "long scans",
  async run(stage) {
    const [publisher, asker] = await stage.openMany(2);
    const filling = "long ".repeat(stage.limits.max_content_length / 5);
    for (let n = 0; n < stage.amount(EVENTS, 20) && stage.goesOn; n++) {
      const event = longEvent(stage.limits, KEY, `${n} ${crypto.randomUUID()} ${filling}`);
      if (!await publisher?.say(["EVENT", event])) break;
      await stage.pause(5);
    }
    for (let n = 0; n < stage.amount(REQUESTS, 50) && stage.goesOn; n++) {
      const filter = stage.prng.pick([
        { authors: [KEY.pubkey], kinds: [1], "#t": ["no such"], limit: 1 },
        { authors: [KEY.pubkey], "&t": ["a", "b"], limit: 1 },
        { authors: [KEY.pubkey], "#e": ["0".repeat(64)] },
      ]);
      if (!await asker?.say(["REQ", `scan ${n % 10}`, filter])) return;
      await stage.pause(2);
    }
  },
};
