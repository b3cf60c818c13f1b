/**
 * NIP-01, the form of messages: what all connections of the run have seen. These rules come last.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Message } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import type { Subject } from "../subject.ts";

const PREFIXED = /^[^\s:]+:\s*\S/;
const STANDARD =
  /^(duplicate|pow|blocked|rate-limited|invalid|restricted|mute|error|auth-required|unsupported): ?\S/;

function demandForm(messages: readonly Message[], length: number, form: RegExp): Promise<string> {
  if (messages.length === 0) throw new NotApplicable("no such message came during this run");
  const texts = messages.map((message) => message[length - 1]);
  const wrong = messages.find((message, i) => message.length !== length || typeof texts[i] !== "string");
  demand(wrong === undefined, `not ${length} elements, or no text: ${brief(wrong)}`);
  const bare = new Set(texts.map(String).filter((text) => !form.test(text)).map((text) => text.slice(0, 60)));
  demand(bare.size === 0, `${bare.size} texts, such as ${brief([...bare].slice(0, 4))}`);
  const prefixes = new Set(texts.map((text) => String(text).split(":")[0]));
  return Promise.resolve(`${messages.length} messages: ${[...prefixes].join(", ")}`);
}

function acceptances(relay: Subject): Promise<string> {
  const messages = relay.sightings.acceptances;
  if (messages.length === 0) throw new NotApplicable("no OK true came during this run");
  const wrong = messages.find((message) =>
    message.length !== 4 || message[2] !== true || typeof message[3] !== "string"
  );
  demand(wrong === undefined, `${brief(wrong)}`);
  return Promise.resolve(`${messages.length} messages with four elements`);
}

function strays(relay: Subject): Promise<string> {
  const { strays } = relay.sightings;
  demand(strays.length === 0, `${strays.length}, such as ${brief(strays[0])}`);
  return Promise.resolve("no EVENT or EOSE for a subscription that its connection did not open");
}

function known(relay: Subject): Promise<string> {
  const { unknown } = relay.sightings;
  demand(unknown.length === 0, `${unknown.length}, such as ${brief(unknown[0])}`);
  return Promise.resolve("JSON arrays with known types, all of them");
}

const rule = {
  nip: 1,
  section: "From relay to client: sending events and notices",
  level: "required",
} as const;

export const SIGHTING_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "01/ok-form",
    says: "OK has four elements: the id, a boolean, and a text that may be empty.",
    check: acceptances,
  },
  {
    ...rule,
    id: "01/ok-prefix",
    says: "The text of a refusal is a single-word prefix, a colon, and words for people.",
    check: (relay) => demandForm(relay.sightings.refusals, 4, PREFIXED),
  },
  {
    ...rule,
    id: "01/ok-prefix-standard",
    level: "advised",
    says: "The prefix of a refusal is one of the standardized ones.",
    check: (relay) => demandForm(relay.sightings.refusals, 4, STANDARD),
  },
  {
    ...rule,
    id: "01/closed-prefix",
    says: "CLOSED has the form of OK: prefix, colon, words for people.",
    check: (relay) => demandForm(relay.sightings.closeds, 3, PREFIXED),
  },
  {
    ...rule,
    id: "01/closed-prefix-standard",
    level: "advised",
    says: "The prefix of CLOSED is one of the standardized ones.",
    check: (relay) => demandForm(relay.sightings.closeds, 3, STANDARD),
  },
  {
    ...rule,
    id: "01/no-strays",
    says: "EVENT is sent only for a subscription that the client opened.",
    check: strays,
  },
  {
    ...rule,
    id: "01/messages-known",
    says: "What a relay sends is a JSON array of a known type.",
    check: known,
  },
];
