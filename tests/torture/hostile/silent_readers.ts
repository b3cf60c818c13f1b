/**
 * Clients that ask for as much as each subscription may bring, and for all that comes live, and read nothing.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import type { Attack } from "./attack.ts";

const CONNECTIONS = 150;
const SUBSCRIPTIONS = 50;

/** See the module's text. */
export const silentReaders: Attack = {
  name: "silent readers",
  async run(stage) {
    const { limits } = stage;
    const readers = await stage.openMany(stage.amount(CONNECTIONS, 5), { reads: false });
    await Promise.all(readers.map(async (reader) => {
      const subscriptions = Math.min(limits.max_subscriptions, stage.amount(SUBSCRIPTIONS, 5));
      for (let n = 0; n < subscriptions && stage.goesOn; n++) {
        if (!await reader.say(["REQ", `silent ${n}`, { since: n, limit: limits.max_limit }])) return;
      }
    }));
  },
};
