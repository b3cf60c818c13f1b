/**
 * Gift wraps in between public notes, and requests with a `limit` by somebody who may not see them: each brings what the
 * limit asks for of what may be seen, and no wrap.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { signEvent, testKey } from "../../support/sign.ts";
import type { Attack, Stage } from "./attack.ts";

const NOTES = 20;
const WRAPS = 600;
const REQUESTS = 1_000;
const LIMIT = 10;
/** The longest wait for the answer to one request, ms. */
const ANSWER_MS_MAX = 30_000;
const WRAP_KIND = 1_059;

/** See the module's text. */
export const privateLimits: Attack = {
  name: "private limits",
  async run(stage) {
    const key = testKey(9_100 + stage.prng.int(0, 100_000));
    const recipient = testKey(9_030).pubkey;
    const tag = crypto.randomUUID();
    const start = Math.floor(Date.now() / 1_000) - 5_000;
    const publisher = await stage.open();
    const wraps = stage.amount(WRAPS, 60);
    for (let n = 0; n < NOTES + wraps && stage.goesOn; n++) {
      const tags = [["t", tag], ["p", recipient]];
      const event = signEvent(key, {
        kind: n < NOTES ? 1 : WRAP_KIND,
        tags,
        created_at: start + n,
        content: `${n}`,
      });
      if (!await publisher?.say(["EVENT", event])) return;
    }
    // The last OK is behind all others.
    while (publisher !== null && publisher.heard < NOTES + wraps && stage.goesOn) await stage.pause(10);
    await ask(stage, { authors: [key.pubkey], "#t": [tag] }, start + NOTES + wraps);
  },
};

async function ask(stage: Stage, filter: Record<string, unknown>, newest: number): Promise<void> {
  let found = 0;
  let ended = Promise.withResolvers<string>();
  const asker = await stage.open({
    heard: (text) => {
      if (text.startsWith('["EVENT"')) {
        found++;
        if (text.includes(`"kind":${WRAP_KIND},`)) {
          stage.fault("a gift wrap was served to a client without proof");
        }
      } else ended.resolve(text);
    },
  });
  for (let n = 0; n < stage.amount(REQUESTS, 20) && stage.goesOn; n++) {
    found = 0;
    ended = Promise.withResolvers();
    if (!await asker?.say(["REQ", "limit", { ...filter, until: newest, limit: LIMIT }])) return;
    const late = setTimeout(() => ended.resolve(""), ANSWER_MS_MAX);
    const end = await Promise.race([ended.promise, stage.over.then(() => "")]);
    clearTimeout(late);
    if (end.startsWith('["EOSE"') && found !== LIMIT) {
      return stage.fault(
        `a request with a limit of ${LIMIT} brought ${found} of ${NOTES} public notes behind wraps`,
      );
    }
  }
}
