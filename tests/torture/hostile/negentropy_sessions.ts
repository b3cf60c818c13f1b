/**
 * As many sessions of negentropy over all events as each of dozens of connections may have open, and messages in them.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import { NEGENTROPY_SESSIONS_MAX } from "../../../lib/limits.ts";
import type { Attack } from "./attack.ts";

const CONNECTIONS = 24;
const ROUNDS = 100;
/** A whole message: up to infinity a list of no ids, which asks for all (NIP-77). */
const NOTHING = "6100000200";
const FILTERS = [{}, { kinds: [1] }, { since: 1 }, { "#t": ["x"] }, { limit: 1_000_000 }];

/** See the module's text. */
export const negentropySessions: Attack = {
  name: "negentropy sessions",
  async run(stage) {
    const assailants = await stage.openMany(stage.amount(CONNECTIONS, 3));
    for (let round = 0; round < stage.amount(ROUNDS, 2) && stage.goesOn; round++) {
      await Promise.all(assailants.map(async (assailant) => {
        for (let n = 0; n < NEGENTROPY_SESSIONS_MAX && stage.goesOn; n++) {
          const id = `session ${n}`;
          const message = round > 0 && stage.prng.chance(0.7)
            ? ["NEG-MSG", id, NOTHING]
            : ["NEG-OPEN", id, stage.prng.pick(FILTERS), NOTHING];
          if (!await assailant.say(message)) return;
        }
      }));
      await stage.pause(100);
    }
  },
};
