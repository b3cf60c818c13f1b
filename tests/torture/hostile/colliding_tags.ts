/**
 * Subscriptions with two conditions on tags whose keys share one bucket of a hash table, and events with as many such tags
 * as they may have, which match the one and not the other; the same with values that share none.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { FILTER_VALUES_MAX } from "../../../lib/limits.ts";
import { signEvent, testKey } from "../../support/sign.ts";
import type { Attack, Stage } from "./attack.ts";
import { collidingValues } from "./collisions.ts";
import { fitting, fullTags } from "./filling.ts";

const VALUES = 2_450;
const BUCKETS = 2_048;
const EVENTS = 200;
const SUBSCRIPTIONS = 20;
const KEY = testKey(9_000);

/** See the module's text. */
export const collidingTags: Attack = {
  name: "colliding tags",
  run: (stage) =>
    subscribeAndPublish(stage, (letter, count) => {
      const buckets = stage.share === 1 ? BUCKETS : BUCKETS / 8;
      return collidingValues(stage.prng, { letter, count, buckets });
    }),
};

/** The same without a choice of values. */
export const plainTags: Attack = {
  name: "plain tags",
  run: (stage) =>
    subscribeAndPublish(stage, (_, count) => Array.from({ length: count }, (_, n) => n.toString(36))),
};

async function subscribeAndPublish(
  stage: Stage,
  valuesOf: (letter: string, count: number) => string[],
): Promise<void> {
  const { limits } = stage;
  const count = Math.min(stage.amount(VALUES, 500), Math.floor(FILTER_VALUES_MAX / 2));
  const filed = fitting(limits, valuesOf("t", count));
  const other = fitting(limits, valuesOf("x", count), JSON.stringify(filed).length);
  const [listener, publisher] = await stage.openMany(2);
  if (listener === undefined || publisher === undefined) return;
  for (let n = 0; n < stage.amount(SUBSCRIPTIONS) && stage.goesOn; n++) {
    await listener.say(["REQ", `tags ${n}`, { "#t": filed, "#x": other, limit: 0 }]);
  }
  const tags = fullTags(limits, filed.map((value) => ["t", value]));
  for (let n = 0; n < stage.amount(EVENTS) && stage.goesOn; n++) {
    const event = signEvent(KEY, { content: crypto.randomUUID(), tags });
    if (!await publisher.say(["EVENT", event])) return;
    await stage.pause(20);
  }
}
