/**
 * The trial of clients: each misbehaviour in full, on one relay with the engine that `SLUICE_TEST_ENGINE` names, beside a
 * bystander who publishes and asks all the while. Reported are private memory and descriptors before and after, and how
 * long the bystander's rounds took. Sockets that never answer a ping are there from the beginning, and must be gone at
 * the end. A round is one misbehaviour; in a short run (a bound of rounds) each is a hundredth of itself.
 *
 * Runs in the process of whoever calls it, which owns the clients; the bystander has a thread of its own.
 *
 * @module
 */
import { SOCKET_IDLE_SECONDS_MAX } from "../../lib/limits.ts";
import * as misbehaviours from "../pipeline/misbehaviours.ts";
import { openRawSocket, type RawSocket } from "../protocol/raw_socket.ts";
import { eventually } from "../support/eventually.ts";
import { type Footprint, footprintOf, WatchingBystander } from "../support/footprint.ts";
import { startRelay, type TestRelay } from "../support/relay.ts";
import { Findings, rounded, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";

interface Act {
  readonly name: string;
  readonly amount: number;
  readonly misbehave: misbehaviours.Misbehaviour;
  /** Whether to wait until memory has been given back. */
  readonly isLookedAfter?: true;
}

const ACTS: readonly Act[] = [
  { name: "reconnects", amount: 10_000, misbehave: misbehaviours.reconnectStorm },
  { name: "cycles", amount: 100_000, misbehave: misbehaviours.subscribeAndClose },
  { name: "one byte", amount: 200_000, misbehave: misbehaviours.framesOfOneByte },
  { name: "headers", amount: 200, misbehave: misbehaviours.headerFloods },
  { name: "bombs", amount: 200, misbehave: misbehaviours.compressionBombs },
  { name: "handshakes", amount: 5_000, misbehave: misbehaviours.handshakesThatNeverEnd },
  { name: "half closed", amount: 5_000, misbehave: misbehaviours.halfClosedSockets },
  { name: "never read", amount: 1_000, misbehave: misbehaviours.readersThatNeverRead, isLookedAfter: true },
  { name: "event flood", amount: 200_000, misbehave: misbehaviours.eventFlood },
];
const SILENT_SOCKETS = 500;
const SHORT_SHARE = 0.01;
/**
 * Growth of private memory over one misbehaviour that counts as bounded, MiB: the outbound sum is 512, a socket of the
 * engine `ws` that takes nothing keeps a page of 128 KiB, and the heaps grow before they are tidied up.
 */
const GROWTH_MIB_MAX = 800;
const FILES_SLACK = 8;
/** What may be kept of memory that was given back, MiB, and how long that is waited for, ms: it goes back every 10 s. */
const KEPT_MIB_MAX = 50;
const GIVEN_BACK_MS_MAX = 60_000;
/** The longest wait for what is left to go: a client that vanished is silent for as long as it may be, and is then left. */
const GONE_MS_MAX = (SOCKET_IDLE_SECONDS_MAX + 60) * 1_000;

/** See the module's text. */
export async function clientsTrial(options: TrialOptions): Promise<TrialResult> {
  const { folder, say, rounds } = options;
  const findings = new Findings();
  const share = rounds === undefined || rounds === Infinity ? 1 : SHORT_SHARE;
  const engine = Deno.env.get("SLUICE_TEST_ENGINE") ?? "serve";
  const dataDir = await Deno.makeTempDir({ dir: folder, prefix: "data-" });
  await using relay = await startRelay({
    dataDir,
    env: { LOG_LEVEL: "error", ...(engine === "ws" && { WEBSOCKET_COMPRESSION: "true" }) },
  });
  const first = await footprintOf(relay);
  const silent: RawSocket[] = [];
  await misbehaviours.inParallel(SILENT_SOCKETS * share, async () => {
    silent.push(await openRawSocket(relay.url));
  });
  const goesOn = roundsOf(options);
  for (const act of ACTS) {
    if (!goesOn()) break;
    await perform(act, share, relay, findings);
    say(`${act.name}: ${JSON.stringify(findings.figures)}`);
  }
  if (share === 1) await untilGone(relay, first, silent.length, findings);
  for (const socket of silent) socket[Symbol.dispose]();
  const { code } = await relay.stop();
  if (code !== 0) findings.fail("end", [`the relay ended with ${code}`]);
  if (/ error /.test(relay.output())) findings.fail("log", [relay.output().slice(-1_000)]);
  await Deno.remove(dataDir, { recursive: true });
  return findings;
}

/** One misbehaviour beside a bystander; then everything of it must be gone. */
async function perform(act: Act, share: number, relay: TestRelay, findings: Findings): Promise<void> {
  const { name, misbehave } = act;
  const before = await footprintOf(relay);
  using bystander = await WatchingBystander.join(relay);
  try {
    const figures = await misbehave(relay, Math.ceil(act.amount * share));
    for (const [figure, value] of Object.entries(figures)) findings.count(figure, value);
  } catch (error) {
    findings.fail(name, [String(error)]);
  }
  const worst = await footprintOf(relay);
  const { roundsMs, faults } = await bystander.leave();
  findings.fail(`bystander during ${name}`, faults);
  const sorted = roundsMs.toSorted((a, b) => a - b);
  findings.most(`bystander during ${name}, median ms`, rounded(sorted[sorted.length >> 1] ?? 0));
  findings.most(`bystander during ${name}, longest ms`, rounded(sorted.at(-1) ?? 0));
  const isGone = (now: Footprint) =>
    now.connections <= before.connections && now.files <= before.files + FILES_SLACK;
  try {
    await eventually(async () => isGone(await footprintOf(relay)), GONE_MS_MAX, "everything is gone");
  } catch (error) {
    findings.fail(name, [`${error}: ${JSON.stringify([before, await footprintOf(relay)])}`]);
  }
  const after = await footprintOf(relay);
  findings.most(`private memory before ${name}, MiB`, rounded(before.privateMiB));
  findings.most(`private memory at the end of ${name}, MiB`, rounded(worst.privateMiB));
  findings.most(`private memory after ${name}, MiB`, rounded(after.privateMiB));
  if (act.isLookedAfter && share === 1) {
    const leastMiB = await leastMemory(relay, before.privateMiB + KEPT_MIB_MAX);
    findings.most(`private memory within a minute after ${name}, MiB`, rounded(leastMiB));
  }
  const growth = worst.privateMiB - before.privateMiB;
  if (growth > GROWTH_MIB_MAX) findings.fail(name, [`private memory grew by ${rounded(growth)} MiB`]);
}

/** The least private memory, MiB, until it is `enoughMiB` or the time is over. */
async function leastMemory(relay: TestRelay, enoughMiB: number): Promise<number> {
  let leastMiB = Infinity;
  const look = async () => {
    leastMiB = Math.min(leastMiB, (await footprintOf(relay)).privateMiB);
    return leastMiB <= enoughMiB;
  };
  await eventually(look, GIVEN_BACK_MS_MAX, "memory is given back").catch(() => {});
  return leastMiB;
}

/** Sockets that never answer a ping are left by the relay's heartbeat. */
async function untilGone(
  relay: TestRelay,
  first: Footprint,
  count: number,
  findings: Findings,
): Promise<void> {
  try {
    await eventually(
      async () => {
        const { connections, files } = await footprintOf(relay);
        return connections === 0 && files <= first.files + FILES_SLACK;
      },
      GONE_MS_MAX,
      "silent sockets are left",
    );
    findings.count("silent sockets left", count);
  } catch (error) {
    findings.fail("silent sockets", [`${error}: ${JSON.stringify([first, await footprintOf(relay)])}`]);
  }
}
