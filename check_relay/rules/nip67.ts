/**
 * NIP-67: what an EOSE says about completeness is true.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { now } from "../signer.ts";
import type { Filter, RelayConnection } from "../connection.ts";
import type { Subject } from "../subject.ts";

const EVENTS = 6;

interface Page {
  readonly hints: readonly unknown[];
  readonly count: number;
}

async function page(relay: Subject, connection: RelayConnection, filter: Filter): Promise<Page> {
  const { events, end } = await relay.ask(connection, filter);
  demand(end[0] === "EOSE", `${brief(filter)} was answered ${brief(end)}`);
  const hints = end[2] ?? [];
  demand(
    end.length <= 3 && Array.isArray(hints) && hints.every((hint) => typeof hint === "string"),
    brief(end),
  );
  return { hints, count: events.length };
}

async function sow(relay: Subject, connection: RelayConnection): Promise<string[]> {
  const key = relay.key();
  const events = Array.from(
    { length: EVENTS },
    (_, i) => relay.sign(key, { content: `${i}`, created_at: now() - 10 * i }),
  );
  await relay.store(connection, ...events);
  return [key.pubkey];
}

async function form(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const authors = await sow(relay, connection);
  const pages = [];
  for (const limit of [2, EVENTS, EVENTS + 10]) pages.push(await page(relay, connection, { authors, limit }));
  return brief(pages.map(({ hints }) => hints));
}

async function finish(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const authors = await sow(relay, connection);
  const { hints, count } = await page(relay, connection, { authors, limit: EVENTS + 10 });
  demand(count === EVENTS && hints.includes("finish"), `${count} of ${EVENTS} events, hints ${brief(hints)}`);
  demand(!hints.includes("more"), `"more" after everything was sent: ${brief(hints)}`);
  return brief(hints);
}

async function noFalseFinish(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const authors = await sow(relay, connection);
  for (const limit of [1, EVENTS - 1]) {
    const { hints, count } = await page(relay, connection, { authors, limit });
    demand(count < EVENTS, `limit ${limit} brought ${count} events`);
    demand(!hints.includes("finish"), `"finish" after ${count} of ${EVENTS} events`);
  }
  return "a page that a limit cut off does not say finish";
}

async function more(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const authors = await sow(relay, connection);
  const { hints } = await page(relay, connection, { authors, limit: 2 });
  if (hints.length === 0) throw new NotApplicable("the relay does not say more, as it may");
  demand(hints.includes("more"), `2 of ${EVENTS} events, hints ${brief(hints)}`);
  return brief(hints);
}

async function exact(relay: Subject): Promise<string> {
  await using connection = await relay.writer();
  const authors = await sow(relay, connection);
  const { hints } = await page(relay, connection, { authors, limit: EVENTS });
  demand(!hints.includes("more"), `limit ${EVENTS} of ${EVENTS} events: ${brief(hints)}`);
  return `limit ${EVENTS} of ${EVENTS} events: ${brief(hints)}`;
}

const rule = { nip: 67, section: "Specification", level: "required" } as const;

export const NIP67_RULES: readonly Rule[] = [
  { ...rule, id: "67/form", says: "A third element of EOSE is an array of strings.", check: form },
  {
    ...rule,
    id: "67/no-false-finish",
    says: "finish is said only when everything was sent.",
    check: noFalseFinish,
  },
  { ...rule, id: "67/no-false-more", says: "more is said only when more is held.", check: exact },
  {
    ...rule,
    id: "67/finish",
    level: "advised",
    says: "When everything was sent, finish is said.",
    check: finish,
  },
  { ...rule, id: "67/more", level: "advised", says: "A page that a limit cut off says more.", check: more },
];
