/**
 * Management: the one thread that decides what the operator, moderators and members may decide (NIP-86, NIP-43, NIP-56).
 * Runs on a worker with an event loop, which owns the database of decisions; all other threads follow it.
 *
 * Gateways ask by ports, one each; the store hands events over in a lane; events of the relay's own leave as an origin's.
 * Every decision is on disk before it is answered.
 *
 * @module
 */
import { ConfigFollower } from "../../lib/config/shared_config.ts";
import { Doorbell } from "../../lib/queue/doorbell.ts";
import { openRelayKey } from "../../lib/relay/relay_key.ts";
import {
  type ActorStart,
  beatByTimer,
  endWorker,
  onStart,
  type PortNotice,
  report,
} from "../../runtime/actor.ts";
import { Logger } from "../../runtime/logger.ts";
import type { ManagementAnswer, ManagementRequest } from "../../wire/management_requests.ts";
import { ManagementInbox } from "./inbox.ts";
import { OwnEvents } from "./own_events.ts";
import { ManagementOwner } from "./owner.ts";

class ManagementThread {
  readonly #owner: ManagementOwner;
  readonly #inbox: ManagementInbox;
  readonly #own: OwnEvents;
  readonly #bell: Doorbell;
  /** `[gateway]` */
  readonly #ports: MessagePort[] = [];

  constructor(start: ActorStart, owner: ManagementOwner, own: OwnEvents) {
    this.#owner = owner;
    this.#own = own;
    this.#inbox = new ManagementInbox(start, owner);
    this.#bell = new Doorbell(start.memory.bells.management[0]!);
  }

  /** A gateway was started; the port of the one before it leads nowhere. */
  connect({ index, port }: PortNotice): void {
    this.#ports[index]?.close();
    this.#ports[index] = port;
    port.onmessage = ({ data }) => this.#answer(port, data as ManagementRequest);
  }

  /** Serves until it is asked to stop and nothing waits that the store has handed over. */
  async run(): Promise<void> {
    while (true) {
      const seen = this.#bell.rings;
      this.#own.drain();
      this.#own.send();
      // Requests at the ports have their turn between events.
      if (this.#inbox.drain() > 0) await new Promise<void>((resolve) => setTimeout(resolve, 0));
      else if (this.#bell.stopRequested) break;
      else await this.#bell.waitAsync(seen);
    }
    for (const port of this.#ports) port?.close();
    this.#owner.close();
  }

  #answer(port: MessagePort, request: ManagementRequest): void {
    const answer = request.type === "manage"
      ? this.#owner.answer(request.body)
      : this.#owner.invite(request.keys);
    this.#bell.crashIfAsked();
    port.postMessage({ number: request.number, answer } satisfies ManagementAnswer);
  }
}

/** Ports may come before the thread is ready, and keep what is asked until then. */
const ready = Promise.withResolvers<ManagementThread>();

onStart(async (start) => {
  const { memory, epoch } = start;
  const log = new Logger("management", memory.logLevel);
  const settings = new ConfigFollower(memory.config);
  const { RELAY_SECRET_KEY } = settings.config;
  const key = RELAY_SECRET_KEY === null ? null : await openRelayKey(RELAY_SECRET_KEY);
  const own = new OwnEvents(memory, epoch, log);
  const owner = new ManagementOwner({
    config: () => {
      settings.refresh();
      return settings.config;
    },
    memory,
    log,
    key,
    continues: epoch > 1,
    publish: (events) => own.publish(events),
  });
  beatByTimer(start);
  const thread = new ManagementThread(start, owner, own);
  ready.resolve(thread);
  report({ type: "ready", facts: {} });
  // What a predecessor has said of the members last is not known.
  owner.tellMembers();
  await thread.run();
  report({ type: "stopped" });
  endWorker();
}, (notice) => {
  if (notice.type === "port") ready.promise.then((thread) => thread.connect(notice));
});
