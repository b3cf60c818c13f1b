/**
 * Requests opened and closed without a pause, some of one value and some of as many as fit.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { FILTER_VALUES_MAX, FILTERS_MAX } from "../../../lib/limits.ts";
import type { Attack, Stage } from "./attack.ts";
import { fitting } from "./filling.ts";

const CLIENTS = 4;
const CYCLES = 20_000;
/** Of so many cycles one has a request as long as may be. */
const LONG_EVERY = 200;

/** See the module's text. */
export const requestCycles: Attack = {
  name: "request cycles",
  async run(stage) {
    const clients = await stage.openMany(CLIENTS);
    await Promise.all(clients.map(async (client) => {
      for (let n = 0; n < stage.amount(CYCLES, 200) && stage.goesOn; n++) {
        const id = `cycle ${n % 7}`;
        if (!await client.say(["REQ", id, ...filtersOf(stage, n)])) return;
        if (!await client.say(["CLOSE", id])) return;
      }
    }));
  },
};

function filtersOf({ limits, prng }: Stage, n: number): Record<string, unknown>[] {
  if (n % LONG_EVERY > 0) return [{ kinds: [1, n % 1_000], "#t": [`t${n}`], limit: 1 }];
  const kinds = fitting(limits, Array.from({ length: FILTER_VALUES_MAX }, () => prng.int(0, 65_535)));
  const each = Math.floor(kinds.length / FILTERS_MAX);
  return Array.from({ length: FILTERS_MAX }, (_, at) => ({ kinds: kinds.slice(at * each, (at + 1) * each) }));
}
