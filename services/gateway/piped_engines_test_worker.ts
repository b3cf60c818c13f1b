/**
 * A gateway's sockets that another actor serves, on the engine that the worker is named for; ends with the thread. It is
 * sent ports to the actor, and tells its own port, and how many texts of its clients the actor had not taken at most.
 *
 * @module
 */
import { readConfig } from "../../lib/config/config.ts";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import { createMetricsMemory, ThreadMetrics } from "../../lib/metrics/thread_metrics.ts";
import { ActorLink } from "../../runtime/actor_link.ts";
import { LoopTurn } from "../../runtime/loop_turn.ts";
import type { SocketNotice } from "../../wire/piped_sockets.ts";
import type { Admission } from "./admission.ts";
import type { ProofDoor } from "./http/request_proof.ts";
import { OutboundPool } from "./outbound_pool.ts";
import { SocketPipes } from "./piped_sockets.ts";
import { Opening } from "./sockets/opening.ts";
import { listenWithServe } from "./sockets/serve_listener.ts";
import { Turns } from "./sockets/turns.ts";
import { listenWithWs } from "./sockets/ws_listener.ts";

const scope = self as unknown as Worker & { readonly name: string };

/** Counts the texts on their way. */
class CountingLink extends ActorLink {
  #untaken = 0;
  #most = 0;

  override use(sockets: Parameters<ActorLink["use"]>[0]): void {
    super.use({
      lost: () => sockets.lost(),
      obey: (order) => {
        if (order.type === "taken") this.#untaken--;
        sockets.obey(order);
      },
    });
  }

  override tell(notice: SocketNotice): void {
    if (notice.type === "text" && ++this.#untaken > this.#most) scope.postMessage(["untaken", ++this.#most]);
    super.tell(notice);
  }
}

const config = readConfig({});
const pool = new OutboundPool(new SharedArrayBuffer(8), 0);
pool.use(config.OUTBOUND_BYTES_MAX);
const link = new CountingLink("router");
const pipes = new SocketPipes({
  settings: { config } as ConfigFollower,
  metrics: new ThreadMetrics(createMetricsMemory(1), 0),
  admission: { refusalOf: () => null, admit: () => [0, 0], left: () => {} } as unknown as Admission,
  proofs: { isToken: (text: string) => text === "right" } as unknown as ProofDoor,
  pool,
}, [
  { path: "/ws", link, absence: () => null },
  { path: "/fanout", link: new ActorLink("fanout"), absence: () => "FANOUT is off" },
]);
const opening = new Opening<null>(1);
const { address } = await (scope.name === "ws" ? listenWithWs : listenWithServe)({
  hostname: "127.0.0.1",
  port: 0,
  tls: null,
  frameBytesMax: 512 * 1024,
  idleSeconds: 120,
  compression: false,
  libraryPath: null,
  socketsMax: 100,
  turns: new Turns(new LoopTurn()),
  failed: () => {},
}, opening);
const visitor = () => ({ address: "192.0.2.1", host: "" });
opening.open({
  visitor,
  open: () => null,
  text: () => {},
  fault: () => {},
  closed: () => {},
  http: () => new Response("a page"),
  elsewhere: pipes.events(visitor),
});
scope.onmessage = ({ data }) => link.connect(data);
scope.postMessage(["port", address.port]);
