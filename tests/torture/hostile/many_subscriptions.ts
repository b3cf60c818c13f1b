/**
 * As many subscriptions, with as many filters and values, as each of several connections may hold, all different.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { FILTER_VALUES_MAX, FILTERS_MAX } from "../../../lib/limits.ts";
import type { Assailant } from "./assailant.ts";
import type { Attack, Stage } from "./attack.ts";

const CONNECTIONS = 5;
/** Bytes that a value takes in a message, quotes and comma included. */
const VALUE_BYTES = 9;

/** See the module's text. */
export const manySubscriptions: Attack = {
  name: "many subscriptions",
  async run(stage) {
    const assailants = await stage.openMany(stage.amount(CONNECTIONS, 2));
    await Promise.all(assailants.map((assailant, n) => subscribe(stage, assailant, n)));
  },
};

async function subscribe(stage: Stage, assailant: Assailant, number: number): Promise<void> {
  const { limits } = stage;
  const room = Math.floor((limits.max_message_length - 4_000) / VALUE_BYTES / FILTERS_MAX);
  const values = Math.min(FILTER_VALUES_MAX, room);
  let next = 0;
  // Six digits each; the first says whose they are.
  const value = () => `${number % 10}${(next++).toString(36).padStart(5, "0")}`;
  const subscriptions = stage.amount(limits.max_subscriptions, 10);
  for (let n = 0; n < subscriptions && stage.goesOn; n++) {
    const filters = Array.from({ length: FILTERS_MAX }, () => ({
      "#t": Array.from({ length: values }, value),
      limit: 0,
    }));
    if (!await assailant.say(["REQ", `many ${n}`, ...filters])) return;
  }
}
