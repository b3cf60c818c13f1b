/**
 * What REQ, COUNT and NEG-OPEN pass before they are served: policies, the cheapest first, then the request plugin, then
 * the maker of invite codes. Owns the requests that wait for the latter two: each is known by its verb and its id, so that
 * another one replaces it, and a CLOSE takes it back.
 * Runs on the gateway's thread.
 *
 * @module
 */
import type { Config } from "../../lib/config/config.ts";
import type { ConfigFollower } from "../../lib/config/shared_config.ts";
import type { ClientMessage } from "../../lib/nostr/client_message.ts";
import type { Filter } from "../../lib/nostr/filter.ts";
import type { NegentropyMessage } from "../../lib/nostr/negentropy_messages.ts";
import { eventPrefix } from "../../lib/nostr/relay_message.ts";
import type { PolicyFiles } from "../../runtime/policy_files.ts";
import type { InviteAnswer } from "../../wire/management_requests.ts";
import { contextOf, type PoliciesInForce } from "./client_policies.ts";
import type { Connection } from "./connection.ts";
import type { Invites } from "./invites.ts";
import type { NegentropySessions } from "./negentropy_sessions.ts";
import type { AskedVerb, RequestPlugin } from "./request_plugin.ts";
import type { Requests } from "./requests.ts";

/** What is sent once the relay stops. */
export const STOPPING = "error: the relay stops, try again later";

type ReqMessage = Extract<ClientMessage, { readonly type: "REQ" }>;
/** What a plugin is asked about, where there is one. */
type RequestMessage = Extract<ClientMessage, { readonly type: AskedVerb }>;

/** What it is made of. */
export interface RequestGateParts {
  readonly settings: ConfigFollower;
  readonly policies: PoliciesInForce;
  readonly files: PolicyFiles;
  readonly plugin: RequestPlugin;
  /** Null: nobody can join. */
  readonly invites: Invites | null;
  /** Those who serve what passes. */
  readonly requests: Requests;
  readonly syncs: NegentropySessions;
}

/** One gateway's; see the module's text. */
export class RequestGate {
  readonly #settings: ConfigFollower;
  readonly #policies: PoliciesInForce;
  readonly #files: PolicyFiles;
  readonly #plugin: RequestPlugin;
  readonly #invites: Invites | null;
  readonly #requests: Requests;
  readonly #syncs: NegentropySessions;
  /** The latest request of each verb and id that a client waits for, by a number. Only that one is answered. */
  readonly #waiting = new Map<Connection, Map<string, number>>();
  #lastNumber = 0;
  #isDraining = false;

  constructor({ settings, policies, files, plugin, invites, requests, syncs }: RequestGateParts) {
    this.#settings = settings;
    this.#policies = policies;
    this.#files = files;
    this.#plugin = plugin;
    this.#invites = invites;
    this.#requests = requests;
    this.#syncs = syncs;
  }

  /** Takes a REQ, a COUNT or a NEG-OPEN; `text` is the whole message. */
  receive(connection: Connection, text: string, message: RequestMessage): void {
    const { type: verb, subscriptionId } = message;
    this.#cancel(connection, verb, subscriptionId);
    const refusal = this.#refusal(connection, filtersOf(message));
    if (refusal !== null) return this.#serve(connection, message, refusal);
    // What is open under the id ends now, and not only when the new request is served.
    if (verb === "REQ") this.#requests.end(connection, subscriptionId);
    if (verb === "NEG-OPEN") this.#syncs.receive(connection, { type: "NEG-CLOSE", subscriptionId }, null);
    const decision = this.#plugin.ask(connection, { verb, subscriptionId, text });
    if (!(decision instanceof Promise)) return this.#serve(connection, message, decision);
    this.#wait(connection, message, decision, (refusal) => {
      this.#serve(connection, message, this.#lateRefusal(connection, message, refusal));
    });
  }

  /** Takes a CLOSE. */
  close(connection: Connection, id: string): void {
    this.#cancel(connection, "REQ", id);
    this.#cancel(connection, "COUNT", id);
    this.#requests.close(connection, id);
  }

  /** Ends a subscription without a word, or the wait for it. */
  end(connection: Connection, id: string): void {
    this.#cancel(connection, "REQ", id);
    this.#requests.end(connection, id);
  }

  /** Takes a message of a session that was asked for before. */
  goOn(connection: Connection, message: Exclude<NegentropyMessage, { readonly type: "NEG-OPEN" }>): void {
    if (message.type !== "NEG-MSG") this.#cancel(connection, "NEG-OPEN", message.subscriptionId);
    this.#syncs.receive(connection, message, null);
  }

  /** Ends, and says why, what a client has open that may not read any more. */
  revoke(connection: Connection, reason: string): void {
    this.#requests.revoke(connection, reason);
    this.#syncs.closed(connection);
  }

  /** The client has gone, or is cut off. */
  forget(connection: Connection): void {
    this.#waiting.delete(connection);
    this.#requests.forget(connection);
    this.#syncs.closed(connection);
  }

  /** Follows the settings. */
  use(config: Config): void {
    this.#plugin.use(config);
  }

  /** The relay stops: whatever comes is refused from now on. */
  drain(): void {
    this.#isDraining = true;
    this.#syncs.isDraining = true;
  }

  /** Ends the plugin's process. */
  async closePlugin(): Promise<void> {
    await this.#plugin.close();
  }

  /** The cheapest first. */
  #refusal(connection: Connection, filters: readonly Filter[]): string | null {
    if (this.#isDraining) return STOPPING;
    const context = contextOf(connection);
    const refusal = this.#policies.current.mayRequest(filters, context) ?? this.#waitingFault(connection);
    return refusal === null && this.#files.request !== null ? this.#files.request(filters, context) : refusal;
  }

  /** One client does not fill what all share. */
  #waitingFault(connection: Connection): string | null {
    const most = this.#settings.config.MAX_SUBSCRIPTIONS;
    const waiting = this.#waiting.get(connection)?.size ?? 0;
    return waiting < most ? null : `rate-limited: more than ${most} requests wait to be decided about`;
  }

  /** Who may read may have been decided anew while a request waited, and got `refusal`. */
  #lateRefusal(connection: Connection, message: RequestMessage, refusal: string | null): string | null {
    if (this.#isDraining) return STOPPING;
    return refusal ?? this.#policies.current.mayRead?.(filtersOf(message), contextOf(connection)) ?? null;
  }

  /** Has a request served that nothing stands against, or refused. */
  #serve(connection: Connection, message: RequestMessage, refusal: string | null): void {
    const { subscriptionId } = message;
    if (message.type === "NEG-OPEN") return this.#syncs.receive(connection, message, refusal);
    if (message.type === "COUNT") {
      return this.#requests.count(connection, subscriptionId, message.filters, refusal);
    }
    if (refusal === null && this.#invites?.isAskedFor(message.filters)) {
      return this.#invite(this.#invites, connection, message);
    }
    return this.#requests.request(connection, subscriptionId, message.filters, refusal);
  }

  /** A request for an invite code begins with the code. */
  #invite(invites: Invites, connection: Connection, message: ReqMessage): void {
    const { subscriptionId, filters } = message;
    this.#wait(connection, message, invites.ask(connection), (answer: InviteAnswer) => {
      const given = "refusal" in answer ? answer.refusal : null;
      const refusal = this.#lateRefusal(connection, message, given);
      if (refusal === null && "event" in answer) {
        connection.send(`${eventPrefix(subscriptionId)}${answer.event}]`);
      }
      this.#requests.request(connection, subscriptionId, filters, refusal);
    });
  }

  /** Has a request wait for an answer, and goes on with it, unless it was taken back or replaced meanwhile. */
  async #wait<Answer>(
    connection: Connection,
    { type, subscriptionId }: RequestMessage,
    answer: Promise<Answer>,
    goOn: (answer: Answer) => void,
  ): Promise<void> {
    const key = keyOf(type, subscriptionId);
    const number = ++this.#lastNumber;
    const waiting = this.#waiting.get(connection) ?? new Map<string, number>();
    this.#waiting.set(connection, waiting.set(key, number));
    const given = await answer;
    if (this.#waiting.get(connection)?.get(key) !== number) return;
    this.#cancel(connection, type, subscriptionId);
    goOn(given);
  }

  /** The client wants no answer any more. */
  #cancel(connection: Connection, verb: AskedVerb, subscriptionId: string): void {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) return;
    waiting.delete(keyOf(verb, subscriptionId));
    if (waiting.size === 0) this.#waiting.delete(connection);
  }
}

function keyOf(verb: AskedVerb, subscriptionId: string): string {
  return `${verb} ${subscriptionId}`;
}

function filtersOf(message: RequestMessage): readonly Filter[] {
  return message.type === "NEG-OPEN" ? [message.filter] : message.filters;
}
