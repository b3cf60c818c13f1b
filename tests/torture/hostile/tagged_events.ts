/**
 * Events with as many tags as they may have, of chosen keys: rightly signed ones, and junk without a signature or id.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { signEvent, testKey } from "../../support/sign.ts";
import type { Attack } from "./attack.ts";
import { collidingValues } from "./collisions.ts";
import { fullTags, hexOf, unsigned } from "./filling.ts";

const SENDERS = 3;
const EVENTS = 1_500;
const BUCKETS = 1_024;
/** Events that wait for nobody, between two pauses. */
const BURST = 10;

/** See the module's text. */
export const taggedEvents: Attack = {
  name: "tagged events",
  async run(stage) {
    const count = stage.amount(stage.limits.max_event_tags, 500);
    const buckets = stage.share === 1 ? BUCKETS : BUCKETS / 8;
    const values = collidingValues(stage.prng, { letter: "t", count, buckets });
    const tags = fullTags(stage.limits, values.map((value) => ["t", value]));
    const senders = await stage.openMany(SENDERS);
    await Promise.all(senders.map(async (sender, at) => {
      const event = signEvent(testKey(9_010 + at), { tags });
      for (let n = 0; n < stage.amount(EVENTS, 20) && stage.goesOn; n++) {
        // Of the first sender all are right, of the others none.
        const sent = at === 0
          ? signEvent(testKey(9_010), { tags, content: `${n} ${crypto.randomUUID()}` })
          : at === 1
          ? unsigned(event)
          : { ...event, id: hexOf(n) };
        if (!await sender.say(["EVENT", sent])) return;
        if (n % BURST === 0) await stage.pause(5);
      }
    }));
  },
};
