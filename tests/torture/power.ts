/**
 * The trial of power loss: a relay under load is recorded down to its writes and syncs, and its disk is made anew as it
 * would be after the power went at some moment. The store on it is whole and holds every event whose OK had arrived by
 * then. Some of the disks get a whole relay, which serves what it should and brings its search index up to date.
 * A round is a recording and its cuts.
 *
 * Runs in the process of whoever calls it, which owns the model.
 *
 * @module
 */
import { EventStore } from "../../lib/store/write/event_store.ts";
import { openForWriting } from "../../lib/store/keep/open.ts";
import { storePath } from "../../runtime/data_paths.ts";
import { indexed, publishAll } from "../pipeline/traffic.ts";
import { makeWorkload } from "../pipeline/workload.ts";
import { connect } from "../support/client.ts";
import { Disk, FATES } from "../support/disk/power_cut.ts";
import { buildRecorder, Recorder } from "../support/disk/recorder.ts";
import { EventModel } from "../support/event_model.ts";
import type { Prng } from "../support/prng.ts";
import { startRelay } from "../support/relay.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { auditSearch, auditStore } from "./audit.ts";
import { Findings, roundsOf, type TrialOptions, type TrialResult } from "./trial.ts";

/** Enough to have the WAL written back into the database on the way. */
const EVENTS = 5_000;
const CONNECTIONS = 4;
const WINDOW = 100;
const CUTS = 60;
/** Every so many cuts a whole relay starts. */
const RELAY_EVERY = 20;
/** How much longer a sync takes, ms. */
const SYNC_MS = 2;

/** An OK true, and how long the log was when it had arrived. */
interface Acknowledgement {
  readonly id: string;
  readonly reason: string;
  readonly accepted: boolean;
  readonly at: number;
}

/** What {@linkcode powerTrial} may be asked for besides: less safety, to show that the trial can fail. */
export interface PowerOptions extends TrialOptions {
  readonly durability?: "full" | "normal";
}

/** See the module's text. Without a C compiler it does nothing, and says so. */
export async function powerTrial(options: PowerOptions): Promise<TrialResult> {
  const { folder, say, prng } = options;
  const findings = new Findings();
  const library = await buildRecorder(folder);
  if ("reason" in library) {
    say(`skipped: ${library.reason}`);
    return findings;
  }
  const goesOn = roundsOf(options);
  while (goesOn()) {
    const work = await Deno.makeTempDir({ dir: folder, prefix: "round-" });
    const round = new PowerRound(new Recorder(library.path, work), work, prng, findings);
    await round.record(options.durability ?? "full");
    await round.cutAll();
    await Deno.remove(work, { recursive: true });
    say(`${findings.figures.cuts} cuts, ${findings.failures.length} failures`);
  }
  return findings;
}

class PowerRound {
  readonly #recorder: Recorder;
  readonly #folder: string;
  readonly #prng: Prng;
  readonly #findings: Findings;
  readonly #model = new EventModel();
  readonly #answers: Acknowledgement[] = [];

  constructor(recorder: Recorder, folder: string, prng: Prng, findings: Findings) {
    this.#recorder = recorder;
    this.#folder = folder;
    this.#prng = prng;
    this.#findings = findings;
  }

  get #dataDir(): string {
    return `${this.#folder}/data`;
  }

  /** Publishes everything to a relay that is recorded, and then kills it. */
  async record(durability: string): Promise<void> {
    const dataDir = this.#dataDir;
    const env = {
      ...this.#recorder.environment(dataDir, SYNC_MS),
      DURABILITY: durability,
      PRIVATE_KINDS: "none",
      FLUSH_INTERVAL_MS: "200",
    };
    await using relay = await startRelay({ dataDir, env });
    const events = makeWorkload(this.#prng, EVENTS, { isHard: true });
    for (const event of events) this.#model.add(event);
    await Promise.all(Array.from({ length: CONNECTIONS }, async (_, share) => {
      await using client = await connect(relay.url);
      const mine = events.filter((_, n) => n % CONNECTIONS === share);
      await publishAll(client, mine, WINDOW, ({ id }, [, , accepted, reason]) => {
        this.#answers.push({ id, accepted, reason, at: this.#recorder.length() });
      });
    }));
    this.#findings.count("recorded bytes", this.#recorder.length());
  }

  /** Goes through the log, and cuts the power at moments in their order. */
  async cutAll(): Promise<void> {
    const length = this.#recorder.length();
    const moments = Array.from({ length: CUTS }, () => this.#prng.int(1, length)).sort((a, b) => a - b);
    const disk = new Disk(this.#dataDir);
    let cut = 0;
    for await (const record of this.#recorder.records()) {
      // A cut in the middle of a record comes before it; what is torn is for the disk to say.
      while (cut < moments.length && record.end > moments[cut]!) await this.#cut(disk, moments[cut]!, cut++);
      disk.apply(record);
    }
  }

  async #cut(disk: Disk, moment: number, number: number): Promise<void> {
    let known = 0;
    while (known < this.#answers.length && this.#answers[known]!.at <= moment) known++;
    for (const { id, accepted, reason } of this.#answers.splice(0, known)) {
      const mistake = this.#model.answer(id, accepted, reason);
      if (mistake !== null) this.#findings.fail("an answer", [mistake]);
      this.#findings.count("acknowledged");
    }
    const image = `${this.#folder}/image`;
    await Deno.mkdir(image);
    const fate = this.#prng.pick(FATES);
    await disk.cut(image, fate, this.#prng);
    const where = `cut at byte ${moment}, unsynced writes: ${fate}`;
    try {
      if (number % RELAY_EVERY === RELAY_EVERY - 1) await this.#serve(image, where);
      else this.#open(image, where);
    } catch (error) {
      this.#findings.fail(where, [String(error)]);
    }
    this.#findings.count("cuts");
    await Deno.remove(image, { recursive: true });
  }

  /** Opens the store as the relay does. */
  #open(image: string, where: string): void {
    const db = openForWriting(storePath(image), { durability: "full", cacheMebibytes: 16 });
    const store = new EventStore(db);
    // Readers leave out what authors have asked to be rid of; the files still hold it until the store has removed it.
    while (store.isVanishing) {
      store.begin();
      store.vanishSome();
      store.commit();
    }
    const { lastSeq } = store;
    db.close();
    this.#compare(image, where);
    this.#findings.most("entries of a log in the model", lastSeq);
  }

  #compare(image: string, where: string): void {
    const { events, mistakes } = auditStore(image);
    this.#findings.fail(where, mistakes);
    this.#findings.fail(where, this.#model.mistakes(this.#model.ids(), events));
    this.#findings.count("events looked at", this.#model.size);
  }

  async #serve(image: string, where: string): Promise<void> {
    await using relay = await startRelay({ dataDir: image, env: { PRIVATE_KINDS: "none" } });
    await using client = await connect(relay.url);
    const note = signEvent(testKey(9_000), { content: "the power is back" });
    const [, , accepted, reason] = await client.publish(note);
    if (!accepted) this.#findings.fail(where, [`a new event was refused: ${reason}`]);
    await indexed(relay);
    await client.close();
    await relay.stop();
    const { events, mistakes } = auditStore(image);
    this.#findings.fail(where, mistakes);
    this.#findings.fail(where, this.#model.mistakes(this.#model.ids(), events));
    this.#findings.fail(where, auditSearch(image, events));
    this.#findings.count("relays started");
  }
}
