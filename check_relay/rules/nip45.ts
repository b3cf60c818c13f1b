/**
 * NIP-45: counts, and their HyperLogLog values byte by byte.
 * Runs in the process of the checker; no state.
 *
 * @module
 */
import { isObject } from "../information.ts";
import type { Filter, Message, RelayConnection } from "../connection.ts";
import { brief, demand, NotApplicable, type Rule } from "../rule.ts";
import { type Event, now } from "../signer.ts";
import { patiently, type Subject } from "../subject.ts";

const REGISTERS = 256;
const AUTHORS = 16;

async function countMessage(connection: RelayConnection, ...filters: unknown[]): Promise<Message> {
  const id = connection.name();
  connection.send(["COUNT", id, ...filters]);
  return await connection.expect(
    "COUNT or CLOSED",
    ([type, name]) => name === id && /^(COUNT|CLOSED)$/.test(type),
  );
}

async function count(connection: RelayConnection, ...filters: Filter[]): Promise<Record<string, unknown>> {
  const message = await countMessage(connection, ...filters);
  demand(message[0] === "COUNT", `${brief(filters)} was answered ${brief(message)}`);
  demand(isObject(message[2]) && Number.isInteger(message[2].count), `no count in ${brief(message)}`);
  return message[2];
}

async function demandCount(connection: RelayConnection, filters: Filter[], wanted: number): Promise<void> {
  let body: Record<string, unknown> = {};
  const isRight = await patiently(connection.answerMs, async () => {
    body = await count(connection, ...filters);
    return body.count === wanted || body.approximate === true;
  });
  demand(isRight, `${brief(filters)} counts ${brief(body)}, ${wanted} are stored`);
}

async function counts(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const authors = [key.pubkey];
  const events = Array.from(
    { length: 9 },
    (_, i) =>
      relay.sign(key, {
        kind: [1, 7, 1_234][i % 3]!,
        content: `${i}`,
        tags: [["t", `${i % 2}`]],
        created_at: now() - i,
      }),
  );
  await relay.store(writer, ...events);
  const cases: [Filter, number][] = [
    [{ authors }, 9],
    [{ authors, kinds: [1, 7] }, 6],
    [{ authors, "#t": ["0"] }, 5],
    [{ authors, since: events[3]!.created_at }, 4],
    [{ ids: [events[0]!.id, "0".repeat(64)] }, 1],
    [{ authors, kinds: [9_999] }, 0],
  ];
  for (const [filter, wanted] of cases) await demandCount(writer, [filter], wanted);
  return `${cases.length} filters, counted rightly`;
}

async function countsOnce(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const key = relay.key();
  const authors = [key.pubkey];
  const events = [1, 1, 7, 7, 7].map((kind, i) => relay.sign(key, { kind, content: `${i}` }));
  await relay.store(writer, ...events);
  await demandCount(writer, [{ authors }, { authors, kinds: [1] }], 5);
  await demandCount(writer, [{ authors, kinds: [1] }, { authors, kinds: [7] }], 5);
  return "two filters that overlap count each event once";
}

async function refusal(relay: Subject): Promise<string> {
  await using connection = await relay.join();
  for (const filter of [{ kinds: "1" }, { ids: [5] }, { authors: ["x"] }, 5, null]) {
    const message = await countMessage(connection, filter);
    demand(
      message[0] === "CLOSED" || message[0] === "COUNT",
      `${brief(filter)} was answered ${brief(message)}`,
    );
    if (message[0] === "CLOSED") {
      demand(/^\S+: ?\S/.test(String(message[2])), `no prefix in ${brief(message)}`);
    }
  }
  return "five wrong filters, each with CLOSED or a count";
}

/** The registers as NIP-45 computes them. */
function registersOf(value: string, pubkeys: readonly string[]): Uint8Array {
  const offset = 8 + parseInt(value[32]!, 16);
  const registers = new Uint8Array(REGISTERS);
  for (const pubkey of pubkeys) {
    const bytes = Uint8Array.fromHex(pubkey);
    const rest = [...bytes.subarray(offset + 1)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const zeros = /^0*/.exec(rest)![0].length;
    const register = bytes[offset]!;
    registers[register] = Math.max(registers[register]!, zeros + 1);
  }
  return registers;
}

/** The NIP's common queries: the tag and the kinds. */
const CANONICAL: readonly (readonly [name: string, tag: string, kinds: readonly number[]])[] = [
  ["reactions", "e", [7]],
  ["reposts", "e", [6]],
  ["quotes", "q", [1, 1111]],
  ["replies", "e", [1]],
  ["comments", "E", [1111]],
  ["followers", "p", [3]],
];

async function hyperLogLog(relay: Subject): Promise<string> {
  await using writer = await relay.writer();
  const [target, followed] = [relay.sign(relay.key(), { content: "much discussed" }), relay.key()];
  const keys = Array.from({ length: AUTHORS }, () => relay.key());
  const events: Event[] = [target];
  for (const key of keys) {
    const tags = [["e", target.id], ["p", followed.pubkey]];
    events.push(
      relay.sign(key, { kind: 7, content: "+", tags }),
      relay.sign(key, { kind: 6, tags }),
      relay.sign(key, { kind: 1, tags: [...tags, ["q", target.id]] }),
      relay.sign(key, { kind: 1111, tags: [["E", target.id], ["K", "1"], ...tags] }),
      relay.sign(key, { kind: 3, tags: [["p", followed.pubkey]] }),
    );
  }
  await relay.accept(writer, ...events);
  await relay.find(writer, { authors: [keys.at(-1)!.pubkey], kinds: [3] }, [events.at(-1)!.id]);
  const checked: string[] = [];
  for (const [name, tag, kinds] of CANONICAL) {
    const value = tag === "p" ? followed.pubkey : target.id;
    const { hll, count: n } = await count(writer, { [`#${tag}`]: [value], kinds: [...kinds] });
    if (hll === undefined) continue;
    demand(typeof hll === "string" && /^[0-9a-f]{512}$/.test(hll), `${name}: hll is ${brief(hll)}`);
    const wanted = registersOf(value, keys.map(({ pubkey }) => pubkey)).toHex();
    demand(hll === wanted, `${name} (count ${n}): ${differing(hll, wanted)} of 256 registers differ`);
    checked.push(name);
  }
  if (checked.length === 0) throw new NotApplicable("no count came with an hll, as the NIP allows");
  return `${checked.join(", ")}: 512 characters, as computed from ${AUTHORS} authors`;
}

function differing(a: string, b: string): number {
  let differing = 0;
  for (let i = 0; i < a.length; i += 2) if (a.slice(i, i + 2) !== b.slice(i, i + 2)) differing++;
  return differing;
}

const rule = { nip: 45, section: "Filters and return values", level: "required" } as const;

export const NIP45_RULES: readonly Rule[] = [
  {
    ...rule,
    id: "45/count",
    says: "COUNT tells how many events match, or says that it is approximate.",
    check: counts,
  },
  {
    ...rule,
    id: "45/or-once",
    says: "Several filters give one count of what matches any.",
    check: countsOnce,
  },
  {
    ...rule,
    id: "45/refusal-is-closed",
    says: "A COUNT that is refused is answered with CLOSED.",
    check: refusal,
  },
  {
    ...rule,
    id: "45/hyperloglog",
    section: "HyperLogLog",
    says: "Where a count has an hll, its registers are those of the algorithm.",
    check: hyperLogLog,
  },
];
