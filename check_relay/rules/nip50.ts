/**
 * NIP-50: searches find what they should. An index may take its time, so these rules wait for it.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { DELAY_MS_MAX } from "../bounds.ts";
import type { Filter, RelayConnection } from "../connection.ts";
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import { patiently, type Subject } from "../subject.ts";

/** A word that nobody else writes. */
function freshWord(): string {
  const letters = crypto.getRandomValues(new Uint8Array(12));
  return `q${[...letters].map((byte) => String.fromCharCode(97 + byte % 26)).join("")}`;
}

/** Demands that a search brings these events in this order, once the index has them. */
async function demandFound(
  relay: Subject,
  connection: RelayConnection,
  filter: Filter,
  wanted: readonly Event[],
  ordered = false,
): Promise<void> {
  const sorted = (ids: readonly string[]) => (ordered ? ids : ids.toSorted()).join();
  let found: string[] = [];
  const isThere = await patiently(DELAY_MS_MAX, async () => {
    found = await relay.ids(connection, filter);
    return sorted(found) === sorted(wanted.map(({ id }) => id));
  });
  demand(
    isThere,
    `${brief(filter)} brought ${found.length} events, ${wanted.length} were expected${
      ordered ? " in order" : ""
    }`,
  );
}

async function finds(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [word, other, key] = [freshWord(), freshWord(), relay.key()];
  const hits = [`Good morning ${word}, said the miller.`, `${word.toUpperCase()} again`].map((content) =>
    relay.sign(key, { content })
  );
  const miss = relay.sign(key, { content: `Good evening ${other}, said the miller.` });
  await relay.store(writer, ...hits, miss);
  await demandFound(relay, writer, { search: word, kinds: [1] }, hits);
  await demandFound(relay, writer, { search: freshWord(), kinds: [1] }, []);
  return "two notes by a word of theirs, in either case";
}

async function combines(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [word, key, other] = [freshWord(), relay.key(), relay.key()];
  const [old, young] = [now() - 1_000, now() - 10];
  const events = [
    relay.sign(key, { content: `${word} one`, created_at: old }),
    relay.sign(key, { content: `${word} two`, created_at: young, tags: [["t", word]] }),
    relay.sign(other, { content: `${word} three`, created_at: young }),
  ];
  await relay.store(writer, ...events);
  await demandFound(relay, writer, { search: word, kinds: [1] }, events);
  await demandFound(relay, writer, { search: word, authors: [key.pubkey] }, events.slice(0, 2));
  await demandFound(relay, writer, { search: word, since: young, kinds: [1] }, events.slice(1));
  await demandFound(relay, writer, { search: word, "#t": [word] }, events.slice(1, 2));
  await demandFound(relay, writer, { search: word, kinds: [30_023] }, []);
  return "authors, kinds, tags and since narrow a search";
}

async function ignoresUnknown(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [word, key] = [freshWord(), relay.key()];
  const event = relay.sign(key, { content: `${word} is here` });
  await relay.store(writer, event);
  await demandFound(relay, writer, { search: word, kinds: [1] }, [event]);
  await demandFound(relay, writer, { search: `${word} unknown:extension`, kinds: [1] }, [event]);
  await demandFound(relay, writer, { search: `include:spam ${word}`, kinds: [1] }, [event]);
  return "unknown:extension and include:spam change nothing";
}

async function ranks(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [word, key] = [freshWord(), relay.key()];
  const filler = "and then a good deal about other things that have nothing to do with it ".repeat(6);
  const best = relay.sign(key, { content: `${word} ${word} ${word}`, created_at: now() - 1_000 });
  const worst = relay.sign(key, { content: `${filler}${word} ${filler}`, created_at: now() - 10 });
  await relay.store(writer, best, worst);
  await demandFound(relay, writer, { search: word, authors: [key.pubkey] }, [best, worst], true);
  await demandFound(relay, writer, { search: word, authors: [key.pubkey], limit: 1 }, [best]);
  return "an older, better match comes first, and alone within limit 1";
}

const rule = { nip: 50, section: "search filter field", level: "required" } as const;

export const NIP50_RULES: readonly Rule[] = [
  { ...rule, id: "50/content", says: "A search finds events by the words of their content.", check: finds },
  {
    ...rule,
    id: "50/with-filters",
    says: "Other fields of the filter restrict the search.",
    check: combines,
  },
  {
    ...rule,
    id: "50/unknown-extension",
    level: "advised",
    says: "Extensions that are not known are ignored.",
    check: ignoresUnknown,
  },
  {
    ...rule,
    id: "50/ranking",
    level: "advised",
    says: "The best match comes first, not the newest; the limit is applied after that.",
    check: ranks,
  },
];
