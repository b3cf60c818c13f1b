/**
 * The actors that answer pages and serve sockets of their own, as a gateway reaches them. Of the workers of an actor, the
 * first is asked.
 * The gateway's thread owns it.
 *
 * @module
 */
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { ActorLink } from "../../runtime/actor_link.ts";
import type { PortNotice } from "../../runtime/actor.ts";
import { type ActorCounts, rowOf } from "../../wire/actors.ts";
import type { ActorDoors, PageActor } from "./http/actor_pages.ts";
import type { PipedPath } from "./piped_sockets.ts";

/** Why an actor may be absent, with the settings that start it. */
const ABSENT: Readonly<Record<PageActor, string>> = {
  upstream:
    "no upstream relays are configured; UPSTREAM_RELAYS names them, and UPSTREAM_WORKERS serves without any",
  router: "no forwarding is configured; FORWARD_WS, FORWARD_HTTP, FORWARD_TCP and FORWARD_TCP_PORT start it",
  fanout: "no fan-out is configured; FANOUT starts it",
};

function absenceOf(actor: PageActor, counts: ActorCounts): string | null {
  return rowOf(actor).many(counts) > 0 ? null : ABSENT[actor];
}

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

  /** As pages ask them. */
  doors(counts: ActorCounts): ActorDoors {
    return {
      absence: (actor) => absenceOf(actor, counts),
      ask: (actor, question) => this.#links[actor].ask(question),
    };
  }

  /** The paths of their sockets. */
  paths(counts: ActorCounts, settings: ConfigFollower): PipedPath[] {
    const forwards = () => settings.config.FORWARD_WS ? null : "FORWARD_WS is off";
    return [
      { path: "/ws", link: this.#links.router, absence: () => absenceOf("router", counts) ?? forwards() },
      { path: "/fanout", link: this.#links.fanout, absence: () => absenceOf("fanout", counts) },
    ];
  }
}
