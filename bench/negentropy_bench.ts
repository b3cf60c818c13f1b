/**
 * What reconciliation costs: two sets of a million events that differ by 0, 100 and 10,000, half of them on
 * each side.
 *
 *   deno run --allow-read bench/negentropy_bench.ts [ITEMS]
 *
 * One JSON text a line on standard output: what making the storages costs, then each session, then each of
 * its rounds (`--rounds`). `asking` is the initiating side, over a vector; `answering` the relay, over a tree
 * and over a vector. Runs in a process of its own.
 *
 * @module
 */
import { NEGENTROPY_FRAME_BYTES_MAX } from "../lib/limits.ts";
import { Initiator } from "../lib/negentropy/initiator.ts";
import { ItemTree } from "../lib/negentropy/item_tree.ts";
import { reconcile } from "../lib/negentropy/reconcile.ts";
import { type SortedVector, SortedVectorBuilder } from "../lib/negentropy/sorted_vector.ts";
import { ID_BYTES, type ItemStorage } from "../lib/negentropy/storage.ts";
import { Prng } from "../tests/support/prng.ts";
import { printResult } from "./output.ts";

const DIFFERENCES = [0, 100, 10_000];
/** Events of one second, about as on a busy relay. */
const EVENTS_A_SECOND = 3;

/** Ids by index, and which of them a side lacks. */
interface Corpus {
  readonly ids: Uint8Array;
  readonly count: number;
}

function timed<T>(work: () => T): [result: T, ms: number] {
  const start = performance.now();
  const result = work();
  return [result, Math.round((performance.now() - start) * 100) / 100];
}

function timestampOf(index: number): number {
  return 1_600_000_000 + Math.floor(index / EVENTS_A_SECOND);
}

/** Adds all items but those for which `lacks` is true, newest first as the store brings them. */
function vectorOf(corpus: Corpus, lacks: (index: number) => boolean): SortedVector {
  const builder = new SortedVectorBuilder();
  for (let i = corpus.count - 1; i >= 0; i--) {
    if (!lacks(i)) builder.add(timestampOf(i), corpus.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES));
  }
  return builder.build();
}

/** Inserts items in the order in which they came. */
function treeOf(
  corpus: Corpus,
  order: (index: number) => number,
  lacks: (index: number) => boolean,
): ItemTree {
  const tree = new ItemTree();
  for (let i = 0; i < corpus.count; i++) {
    const index = order(i);
    if (!lacks(index)) {
      tree.insert(timestampOf(index), corpus.ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES));
    }
  }
  return tree;
}

/** Runs a session; prints its rounds if asked to. */
async function runSession(asking: ItemStorage, answering: ItemStorage, facts: object, rounds: boolean) {
  const initiator = new Initiator(asking, { frameBytesMax: NEGENTROPY_FRAME_BYTES_MAX });
  const total = { rounds: 0, bytes_up: 0, bytes_down: 0, asking_ms: 0, answering_ms: 0, have: 0, need: 0 };
  let answeringMax = 0;
  let [message, askingMs]: [Uint8Array | null, number] = timed(() => initiator.initiate());
  while (message !== null) {
    const asked: Uint8Array = message;
    const [answer, answeringMs] = timed(() => reconcile(answering, asked, NEGENTROPY_FRAME_BYTES_MAX));
    total.rounds++;
    total.bytes_up += asked.length;
    total.bytes_down += answer.length;
    total.asking_ms += askingMs;
    total.answering_ms += answeringMs;
    answeringMax = Math.max(answeringMax, answeringMs);
    if (rounds) {
      const [round, up, down] = [total.rounds, asked.length, answer.length];
      await printResult({ round, up, down, asking_ms: askingMs, answering_ms: answeringMs });
    }
    const [findings, ms] = timed(() => initiator.receive(answer));
    total.have += findings.have.length;
    total.need += findings.need.length;
    [message, askingMs] = [findings.message, ms];
  }
  total.asking_ms = Math.round(total.asking_ms + askingMs);
  total.answering_ms = Math.round(total.answering_ms * 10) / 10;
  await printResult({ bench: "session", ...facts, ...total, answering_ms_max: answeringMax });
}

async function main(): Promise<void> {
  const count = Number(Deno.args.find((arg) => !arg.startsWith("--")) ?? 1_000_000);
  const rounds = Deno.args.includes("--rounds");
  const prng = new Prng(1);
  const corpus = { ids: prng.bytes(count * ID_BYTES), count };
  const order = prng.shuffle(Array.from({ length: count }, (_, i) => i));
  const [, vectorMs] = timed(() => vectorOf(corpus, () => false));
  const [, treeMs] = timed(() => treeOf(corpus, (i) => i, () => false));
  const [shuffled, shuffledMs] = timed(() => treeOf(corpus, (i) => order[i]!, () => false));
  const storages = { vector_ms: vectorMs, tree_in_order_ms: treeMs, tree_shuffled_ms: shuffledMs };
  await printResult({ bench: "storages", items: count, ...storages, shuffled_capacity: shuffled.capacity });
  for (const difference of DIFFERENCES) {
    const lacking = order.slice(0, difference);
    const half = Math.floor(lacking.length / 2);
    const [theirs, ours] = [new Set(lacking.slice(0, half)), new Set(lacking.slice(half))];
    const asking = vectorOf(corpus, (i) => ours.has(i));
    const facts = { items: count, difference };
    const tree = treeOf(corpus, (i) => order[i]!, (i) => theirs.has(i));
    await runSession(asking, tree, { ...facts, answering: "tree" }, rounds);
    const vector = vectorOf(corpus, (i) => theirs.has(i));
    await runSession(asking, vector, { ...facts, answering: "vector" }, false);
  }
}

if (import.meta.main) await main();
