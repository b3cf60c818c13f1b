/**
 * NIP-01, filters: what a REQ brings, how many and in which order.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import type { Filter, RelayConnection } from "../connection.ts";
import { brief, demand, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import type { Subject } from "../subject.ts";

/** Two authors, several kinds and tags, one second apart: enough that each condition leaves something out. */
interface Field {
  readonly connection: RelayConnection;
  readonly events: readonly Event[];
  /** The two authors. */
  readonly authors: readonly [string, string];
  /** A tag value that nobody else uses. */
  readonly topic: string;
}

async function sow(relay: Subject): Promise<Field> {
  const connection = await relay.writer();
  const [a, b] = [relay.key(), relay.key()];
  const topic = crypto.randomUUID();
  const start = now() - 100;
  const events: Event[] = [];
  for (let i = 0; i < 8; i++) {
    const tags = [["t", `${topic}-${i % 2}`], ["T", topic], ["p", i < 4 ? b.pubkey : a.pubkey], [
      "x",
      "first",
      "second",
    ]];
    const kind = i % 4 < 2 ? 1 : 7;
    events.push(
      relay.sign(i % 3 === 0 ? b : a, { kind, tags, created_at: start + i, content: `event ${i}` }),
    );
  }
  await relay.store(connection, ...events);
  return { connection, events, authors: [a.pubkey, b.pubkey], topic };
}

/** Tries filters of which each is told by what it must bring. */
async function bring(
  relay: Subject,
  queries: (field: Field) => [Filter[], (event: Event) => boolean][],
): Promise<string> {
  const field = await sow(relay);
  await using connection = field.connection;
  let tried = 0;
  for (const [filters, fits] of queries(field)) {
    const wanted = field.events.filter(fits).map(({ id }) => id);
    await relay.find(connection, filters, wanted);
    tried++;
  }
  return `${tried} filters over 8 events`;
}

function ids(relay: Subject): Promise<string> {
  return bring(relay, ({ events }) => [
    [[{ ids: [events[3]!.id] }], (event) => event === events[3]],
    [
      [{ ids: [events[0]!.id, events[5]!.id, "0".repeat(64)] }],
      (event) => event === events[0] || event === events[5],
    ],
    [[{ ids: ["0".repeat(64)] }], () => false],
  ]);
}

function authors(relay: Subject): Promise<string> {
  return bring(relay, ({ authors: [a, b] }) => [
    [[{ authors: [a] }], ({ pubkey }) => pubkey === a],
    [[{ authors: [a, b] }], () => true],
    [[{ authors: ["1".repeat(64), b] }], ({ pubkey }) => pubkey === b],
  ]);
}

function kinds(relay: Subject): Promise<string> {
  return bring(relay, ({ authors }) => [
    [[{ authors, kinds: [1] }], ({ kind }) => kind === 1],
    [[{ authors, kinds: [7, 1] }], () => true],
    [[{ authors, kinds: [65_535] }], () => false],
  ]);
}

function tags(relay: Subject): Promise<string> {
  return bring(relay, ({ authors: [a, b], topic }) => [
    [[{ "#t": [`${topic}-0`] }], ({ tags }) => tags[0]![1] === `${topic}-0`],
    [[{ "#t": [`${topic}-0`, `${topic}-1`] }], () => true],
    [[{ "#T": [topic] }], () => true],
    [[{ "#T": [`${topic}-0`] }], () => false],
    [[{ "#p": [a], authors: [a, b] }], ({ tags }) => tags[2]![1] === a],
    [[{ "#t": [`${topic}-1`], "#p": [b] }], ({ tags }) => tags[0]![1] === `${topic}-1` && tags[2]![1] === b],
  ]);
}

function firstValue(relay: Subject): Promise<string> {
  return bring(relay, ({ authors }) => [
    [[{ authors, "#x": ["first"] }], () => true],
    [[{ authors, "#x": ["second"] }], () => false],
  ]);
}

function times(relay: Subject): Promise<string> {
  return bring(relay, ({ authors, events }) => {
    const [second, sixth] = [events[1]!.created_at, events[5]!.created_at];
    return [
      [[{ authors, since: sixth }], ({ created_at }) => created_at >= sixth],
      [[{ authors, until: second }], ({ created_at }) => created_at <= second],
      [
        [{ authors, since: second, until: sixth }],
        ({ created_at }) => created_at >= second && created_at <= sixth,
      ],
      [[{ authors, since: second, until: second }], ({ created_at }) => created_at === second],
      [[{ authors, since: sixth, until: second }], () => false],
    ];
  });
}

function conjunction(relay: Subject): Promise<string> {
  return bring(relay, ({ authors: [a, b], events, topic }) => {
    const fourth = events[3]!.created_at;
    return [
      [
        [{ authors: [a], kinds: [1], "#t": [`${topic}-0`], since: fourth }],
        (event) =>
          event.pubkey === a && event.kind === 1 && event.tags[0]![1] === `${topic}-0` &&
          event.created_at >= fourth,
      ],
      [[{ ids: [events[1]!.id], authors: [b] }], () => false],
      [[{ ids: [events[1]!.id], authors: [a], kinds: [1] }], (event) => event === events[1]],
    ];
  });
}

function disjunction(relay: Subject): Promise<string> {
  return bring(relay, ({ authors: [a, b], events }) => [
    [
      [{ authors: [a], kinds: [1] }, { authors: [b], kinds: [7] }],
      ({ pubkey, kind }) => (pubkey === a) === (kind === 1),
    ],
    [
      [{ ids: [events[0]!.id] }, { ids: [events[7]!.id] }],
      (event) => event === events[0] || event === events[7],
    ],
  ]);
}

function onceForTwoFilters(relay: Subject): Promise<string> {
  return bring(relay, ({ authors, topic }) => [
    [[{ authors }, { "#T": [topic] }, { authors, kinds: [1] }], () => true],
  ]);
}

async function noPrefixes(relay: Subject): Promise<string> {
  const { connection, events, authors: [a] } = await sow(relay);
  await connection.close();
  let ended = 0;
  for (
    const filter of [{ ids: [events[1]!.id.slice(0, 12)] }, { authors: [a.slice(0, 12)] }, { ids: [""] }]
  ) {
    await using reader = await relay.join();
    reader.send(["REQ", "prefix", { ...filter, limit: 10 }]);
    const answer = await reader.next(([type, id]) => type !== "AUTH" && id === "prefix");
    demand(answer?.[0] !== "EVENT", `${brief(filter)} brought an event`);
    if (reader.isOver) ended++;
    else demand(answer !== null, `${brief(filter)} has no answer`);
  }
  return `the beginning of an id or a key brings nothing; ${ended} of 3 connections were ended`;
}

async function refusesHex(relay: Subject): Promise<string> {
  await using reader = await relay.join();
  const wrong = ["abc", "F".repeat(64), "g".repeat(64), "0".repeat(65)];
  for (const name of ["ids", "authors", "#e", "#p"]) {
    for (const value of wrong) {
      const { end } = await relay.ask(reader, { [name]: [value], limit: 1 });
      demand(end[0] === "CLOSED", `${brief({ [name]: [value] })} was answered ${brief(end)}`);
    }
  }
  return "16 wrong values, each answered with CLOSED";
}

async function newestWithinLimit(relay: Subject): Promise<string> {
  const { connection, events, authors } = await sow(relay);
  await using reader = connection;
  for (const limit of [1, 3, 8, 20]) {
    const wanted = events.toReversed().slice(0, limit).map(({ id }) => id);
    await relay.find(reader, { authors, limit }, wanted);
  }
  return "limit 1, 3, 8 and 20 of 8 events bring the newest";
}

async function limitZero(relay: Subject): Promise<string> {
  const { connection, events, authors } = await sow(relay);
  await using reader = connection;
  const answer = await reader.subscribe("zero", { authors, limit: 0 });
  demand(answer.end[0] === "EOSE", `limit 0 was answered ${brief(answer.end)}`);
  demand(answer.events.length === 0, `limit 0 brought ${answer.events.length} stored events`);
  demand(events.length > 0, "nothing was stored");
  return "no stored event, then EOSE";
}

async function limitIsForStored(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  await using reader = await relay.join();
  const key = relay.key();
  await relay.store(writer, relay.sign(key, { created_at: now() - 20 }));
  await reader.subscribe("limited", { authors: [key.pubkey], limit: 1 });
  for (let i = 0; i < 3; i++) {
    const event = relay.sign(key, { content: `live ${i}` });
    await relay.accept(writer, event);
    await reader.live("limited", event.id);
  }
  return "three live events behind limit 1";
}

async function order(relay: Subject): Promise<string> {
  const { connection, events, authors } = await sow(relay);
  await using reader = connection;
  const wanted = events.toReversed().map(({ id }) => id).join();
  const found = (await relay.ids(reader, { authors })).join();
  demand(found === wanted, "events came, but not the newest first");
  return "8 events, newest first";
}

async function orderOfTies(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const created_at = now() - 50;
  const events = Array.from({ length: 8 }, (_, i) => relay.sign(key, { created_at, content: `tie ${i}` }));
  await relay.store(writer, ...events);
  const wanted = events.map(({ id }) => id).sort();
  const all = await relay.ids(writer, { authors: [key.pubkey] });
  demand(all.join() === wanted.join(), "8 events of one second did not come lowest id first");
  const some = await relay.ids(writer, { authors: [key.pubkey], limit: 3 });
  demand(
    some.join() === wanted.slice(0, 3).join(),
    "limit 3 did not bring the three lowest ids of the second",
  );
  return "8 events of one second, lowest id first, also within a limit";
}

async function emptyLists(relay: Subject): Promise<string> {
  const { connection, authors } = await sow(relay);
  await using reader = connection;
  for (const name of ["ids", "kinds", "#t"]) {
    const answer = await relay.ask(reader, { authors, [name]: [], limit: 10 });
    demand(answer.events.length === 0, `an empty list of ${name} brought ${answer.events.length} events`);
  }
  return "an empty list brings nothing or is refused";
}

const SECTION = "From client to relay: sending events and creating subscriptions";
const rule = { nip: 1, section: SECTION, level: "required" } as const;

export const NIP01_FILTER_RULES: readonly Rule[] = [
  { ...rule, id: "01/filter-ids", says: "`ids` brings the events of these ids.", check: ids },
  { ...rule, id: "01/filter-authors", says: "`authors` brings the events of these keys.", check: authors },
  { ...rule, id: "01/filter-kinds", says: "`kinds` brings the events of these kinds.", check: kinds },
  {
    ...rule,
    id: "01/filter-tags",
    says: "`#x` of any letter, upper or lower case, brings events with one of the values in such a tag.",
    check: tags,
  },
  {
    ...rule,
    id: "01/filter-tag-first-value",
    section: "Tags",
    says: "Only the first value of a tag is indexed.",
    check: firstValue,
  },
  {
    ...rule,
    id: "01/filter-since-until",
    says: "since <= created_at <= until, both inclusive.",
    check: times,
  },
  { ...rule, id: "01/filter-and", says: "All conditions of a filter must hold.", check: conjunction },
  {
    ...rule,
    id: "01/filter-or",
    says: "What matches any of several filters is returned.",
    check: disjunction,
  },
  {
    ...rule,
    id: "01/filter-or-once",
    level: "advised",
    says: "What matches several filters of a REQ is returned once.",
    check: onceForTwoFilters,
  },
  {
    ...rule,
    id: "01/filter-no-prefix",
    says: "ids and authors are exact 64-character values: a prefix brings nothing.",
    check: noPrefixes,
  },
  {
    ...rule,
    id: "01/filter-hex-refused",
    level: "advised",
    says: "A value of ids, authors, #e or #p that is not 64 lower-case hex characters is refused.",
    check: refusesHex,
  },
  {
    ...rule,
    id: "01/limit-newest",
    says: "With a limit the newest events are returned.",
    check: newestWithinLimit,
  },
  {
    ...rule,
    id: "01/limit-zero",
    level: "advised",
    says: "Limit 0 returns no stored event.",
    check: limitZero,
  },
  {
    ...rule,
    id: "01/limit-stored-only",
    says: "The limit holds for the initial query and is ignored afterwards.",
    check: limitIsForStored,
  },
  { ...rule, id: "01/order-newest-first", level: "advised", says: "Newer events come first.", check: order },
  {
    ...rule,
    id: "01/order-ties",
    level: "advised",
    says: "Of events with the same created_at the one with the lowest id comes first.",
    check: orderOfTies,
  },
  {
    ...rule,
    id: "01/filter-empty-list",
    level: "advised",
    says: "A list has one or more values: an empty one matches nothing.",
    check: emptyLists,
  },
];
