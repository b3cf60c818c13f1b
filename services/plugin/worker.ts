/**
 * The write plugin's place in the data path, where one is configured: takes verified events from every verifier's lane,
 * asks the plugin, and passes on to the store what it accepts, or an outcome back.
 * Runs on a worker with an event loop; owns the plugin's process.
 *
 * An entry is released only after what became of it lies in the next lane. If this thread dies in between, its successor
 * asks again; the store knows what it already has.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import { ownUrls } from "../../lib/relay/own_urls.ts";
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { PLUGIN_BATCH_MAX } from "../../lib/limits.ts";
import { KIND_VANISH } from "../../lib/nostr/kinds.ts";
import { asksUsToVanish } from "../../lib/nostr/vanish.ts";
import type { Decision } from "../../lib/plugin/decision.ts";
import { eventRequest, type PluginRequest } from "../../lib/plugin/request.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { LaneConsumer, LaneProducer } from "../../lib/queue/lane.ts";
import { eventOf } from "../../lib/nostr/exact.ts";
import { type ActorStart, beatByTimer, endWorker, onStart, report } from "../../runtime/actor.ts";
import { sendOk } from "../../wire/outcome.ts";
import { Logger } from "../../runtime/logger.ts";
import { type PackedHeader, passPacked } from "../../wire/packed.ts";
import { AskedRecord } from "../../wire/asked.ts";
import { pluginSourceOf } from "../../wire/source.ts";
import { PluginProcess, type PluginUse } from "../../runtime/plugin_process.ts";

/** How long to wait before looking again whether the store has made room, ms. */
const STORE_FULL_WAIT_MS = 1;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const ACCEPTED: Decision = { action: "accept" };

/** One entry that was read and not yet passed on. */
interface Entry extends PackedHeader {
  readonly verifier: number;
  readonly id: Uint8Array;
  /** Header and packed event, as the store takes them. */
  readonly record: Uint8Array;
  readonly decision: Decision | Promise<Decision>;
}

class WritePlugin {
  readonly #settings: ConfigFollower;
  readonly #plugin: PluginProcess;
  readonly #ownUrls: readonly string[];
  readonly #log: Logger;
  readonly #asked: LaneConsumer[];
  readonly #record = new AskedRecord();
  readonly #packed: LaneProducer[];
  readonly #outcomes: LaneProducer[];
  readonly #bell: Doorbell;
  readonly #storeBell: Doorbell;
  readonly #originBells: Doorbell[];

  constructor(
    { memory, config }: ActorStart,
    settings: ConfigFollower,
    plugin: PluginProcess,
    log: Logger,
  ) {
    this.#settings = settings;
    this.#plugin = plugin;
    this.#ownUrls = ownUrls(config);
    this.#log = log;
    this.#asked = memory.asked.map((lane) => new LaneConsumer(lane));
    this.#packed = memory.packed.map((lane) => new LaneProducer(lane));
    // The verifiers' come first, and then ours.
    this.#outcomes = memory.refusals.at(-1)!.map((lane) => new LaneProducer(lane));
    this.#bell = new Doorbell(memory.bells.plugin[0]!);
    this.#storeBell = new Doorbell(memory.bells.store[0]!);
    this.#originBells = memory.bells.origins.map((bell) => new Doorbell(bell));
  }

  /** Serves until it is asked to stop and its lanes are empty. */
  async run(): Promise<void> {
    while (true) {
      const seen = this.#bell.rings;
      const entries = this.#gather();
      if (entries.length > 0) {
        await this.#decide(entries);
        continue;
      }
      if (this.#bell.stopRequested) return;
      await this.#bell.waitAsync(seen);
    }
  }

  /** Asks about what lies in the lanes, up to what a batch holds. */
  #gather(): Entry[] {
    if (this.#settings.refresh() && this.#settings.config.WRITE_PLUGIN !== null) {
      this.#plugin.use(useOf(this.#settings.config));
    }
    const entries: Entry[] = [];
    for (let verifier = 0; verifier < this.#asked.length; verifier++) {
      const lane = this.#asked[verifier]!;
      while (entries.length < PLUGIN_BATCH_MAX && lane.next()) entries.push(this.#ask(lane, verifier));
    }
    return entries;
  }

  #ask(lane: LaneConsumer, verifier: number): Entry {
    const record = this.#record.at(lane);
    const { origin, epoch, connection, receivedAtMs, source } = record;
    return {
      verifier,
      origin,
      epoch,
      connection,
      receivedAtMs,
      source,
      id: record.event.id.slice(),
      record: record.whole.slice(),
      decision: this.#settings.config.WRITE_PLUGIN === null ? ACCEPTED : this.#decisionOn(record),
    };
  }

  /** Nobody refuses the relay its own events, nor a request to vanish from it (NIP-62): the plugin is not asked. */
  #decisionOn(record: AskedRecord): Decision | Promise<Decision> {
    const { event, source } = record;
    if (source === "own") return ACCEPTED;
    const text = decoder.decode(event.text.slice());
    if (event.kind === KIND_VANISH && asksUsToVanish(eventOf(text), this.#ownUrls)) return ACCEPTED;
    return this.#plugin.ask(requestOf(text, record));
  }

  /** Passes the batch on in the order in which it came. */
  async #decide(entries: readonly Entry[]): Promise<void> {
    const answered = new Set<number>();
    for (const entry of entries) {
      const decision = await entry.decision;
      if (decision.action === "accept") {
        await this.#pass(entry);
        continue;
      }
      const accepted = decision.action === "shadowReject";
      const message = decision.action === "reject" ? decision.message : "";
      sendOk(this.#outcomes[entry.origin]!, entry, entry.id, accepted, message);
      answered.add(entry.origin);
      if (decision.action === "reject" && !decision.quiet) {
        this.#log.debug(`the plugin refused ${entry.id.toHex()}: ${message}`);
      }
    }
    this.#bell.crashIfAsked();
    for (const lane of this.#asked) lane.release();
    this.#storeBell.ring();
    for (const origin of answered) this.#originBells[origin]!.ring();
  }

  async #pass({ verifier, record }: Entry): Promise<void> {
    const lane = this.#packed[verifier]!;
    while (!passPacked(lane, record)) {
      this.#storeBell.ring();
      await new Promise<void>((resolve) => setTimeout(resolve, STORE_FULL_WAIT_MS));
    }
  }
}

function requestOf(text: string, { source, receivedAtMs, note }: AskedRecord): PluginRequest {
  const { id, pubkey } = JSON.parse(text) as { id: string; pubkey: string };
  return eventRequest({ id, pubkey, text }, {
    receivedAtSeconds: Math.floor(receivedAtMs / 1000),
    sourceType: pluginSourceOf(source, note.address),
    sourceInfo: note.address,
    authenticated: new Set(note.keys),
  });
}

function useOf(config: Config): PluginUse {
  return {
    // Nothing is asked while there is none.
    command: config.WRITE_PLUGIN ?? "none",
    timeoutMs: config.PLUGIN_TIMEOUT_MS,
    inFlightMax: config.PLUGIN_IN_FLIGHT,
  };
}

onStart(async (start) => {
  const settings = new ConfigFollower(start.memory.config);
  const log = new Logger("plugin", start.memory.logLevel);
  const plugin = new PluginProcess({ ...useOf(settings.config), log });
  beatByTimer(start);
  report({ type: "ready", facts: {} });
  await new WritePlugin(start, settings, plugin, log).run();
  await plugin.close();
  report({ type: "stopped" });
  endWorker();
});
