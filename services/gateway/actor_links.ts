/**
 * The actors that answer pages and serve sockets of their own, as a gateway reaches them. Of the workers of an actor, the
 * first is asked.
 * The gateway's thread owns it.
 *
 * @module
 */
import { ActorLink, type PageQuestion } from "../../runtime/actor_link.ts";
import type { PortNotice } from "../../runtime/actor.ts";
import { type ActorCounts, rowOf } from "../../wire/actors.ts";
import type { PageReply } from "../../wire/pages.ts";
import type { ActorDoors, PageActor } from "./http/actor_pages.ts";

/** Why an actor may be absent, with the settings that start it. */
const ABSENT: Readonly<Record<PageActor, string>> = {
  upstream:
    "no upstream relays are configured; UPSTREAM_RELAYS names them, and UPSTREAM_WORKERS serves without any",
  router: "no forwarding is configured; FORWARD_WS, FORWARD_HTTP, FORWARD_TCP and FORWARD_TCP_PORT start it",
  fanout: "no fan-out is configured; FANOUT starts it",
};

/** See the module's text. */
export class ActorLinks {
  readonly #links: Readonly<Record<PageActor, ActorLink>> = {
    upstream: new ActorLink("upstream"),
    router: new ActorLink("router"),
    fanout: new ActorLink("fanout"),
  };

  /** A worker of one of them was started, or started again. */
  connect({ actor, index, port }: PortNotice): void {
    const link = (this.#links as Partial<Record<string, ActorLink>>)[actor];
    if (link === undefined || index > 0) port.close();
    else link.connect(port);
  }

  /** The link to one of them. */
  of(actor: PageActor): ActorLink {
    return this.#links[actor];
  }

  /** The same for pages. */
  doors(counts: ActorCounts): ActorDoors {
    return {
      absence: (actor) => rowOf(actor).many(counts) > 0 ? null : ABSENT[actor],
      ask: (actor: PageActor, question: PageQuestion): Promise<PageReply> => this.of(actor).ask(question),
    };
  }
}
