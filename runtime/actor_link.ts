/**
 * How a gateway reaches an actor that answers pages and serves sockets: by a port, which main makes anew whenever the
 * actor is started. What an actor that died has not answered is answered here with 503, for nobody knows whether it was
 * done, and its sockets end.
 * The gateway's thread owns it.
 *
 * @module
 */
import { API_ANSWER_MS_MAX } from "../lib/limits.ts";
import type { PageAnswered, PageAsked, PageReply } from "../wire/pages.ts";
import type { SocketNotice, SocketOrder } from "../wire/piped_sockets.ts";
import { OpenQuestions } from "./open_questions.ts";

/** A request, as its gateway passes it on. */
export type PageQuestion = Omit<PageAsked, "type" | "number">;

/** What becomes of the sockets that the actor serves. */
interface LinkedSockets {
  /** The actor says what happens to one. */
  obey(order: SocketOrder): void;
  /** The actor that served them is gone. */
  lost(): void;
}

/** See the module's text. */
export class ActorLink {
  readonly #questions = new OpenQuestions<PageReply>();
  readonly #actor: string;
  readonly #msMax: number;
  #sockets: LinkedSockets | null = null;
  #port: MessagePort | null = null;

  /**
   * @param actor Its name, for errors.
   * @param msMax The longest that it may take for an answer.
   */
  constructor(actor: string, msMax = API_ANSWER_MS_MAX) {
    this.#actor = actor;
    this.#msMax = msMax;
  }

  /** The actor was started, or started again, and this port leads to it. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.onmessage = ({ data }) => this.#receive(data as PageAnswered | SocketOrder);
    this.#questions.loseAll();
    this.#sockets?.lost();
  }

  /** From now on the actor's orders reach these sockets. */
  use(sockets: LinkedSockets): void {
    this.#sockets = sockets;
  }

  /** Has the actor answer a request, in a bounded time. */
  async ask(question: PageQuestion): Promise<PageReply> {
    const { number, answer } = this.#questions.open(
      this.#refusal("was started again, look whether it was done"),
    );
    const timer = setTimeout(() => {
      this.#questions.settle(number, this.#refusal(`gave no answer within ${this.#msMax} ms`));
    }, this.#msMax);
    this.#post({ type: "page", number, ...question });
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells the actor of a socket. */
  tell(notice: SocketNotice): void {
    this.#post(notice);
  }

  #post(message: PageAsked | SocketNotice): void {
    this.#port?.postMessage(message);
  }

  #receive(message: PageAnswered | SocketOrder): void {
    if (message.type === "page") this.#questions.settle(message.number, message.reply);
    else this.#sockets?.obey(message);
  }

  #refusal(why: string): PageReply {
    const error = `Cannot answer: the actor "${this.#actor}" ${why}`;
    return { status: 503, body: JSON.stringify({ error }), headers: { "Retry-After": "1" } };
  }
}
