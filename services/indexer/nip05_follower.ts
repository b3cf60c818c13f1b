/**
 * Follows the log for profiles (kind 0) and checks the identifiers that they claim (NIP-05), a few at a time, one of a
 * domain and two of a site: names below one that somebody owns cost them nothing, so servers of theirs that keep silent
 * would take the place of all others. It has its own place in the log: no event waits for it, and search does not either.
 * Runs on the indexer's thread, which owns it and the file of identities.
 *
 * @module
 */
import {
  NIP05_AT_ONCE_MAX,
  NIP05_DOMAIN_SECONDS_MIN,
  NIP05_DOMAINS_PAUSED_MAX,
  NIP05_DUE_MAX,
  NIP05_LOG_ROWS,
  NIP05_LOOK_MS,
  NIP05_SITE_AT_ONCE_MAX,
  NIP05_TURN_MAX,
} from "../../lib/limits.ts";
import type { DueIdentity, Identities } from "../../lib/nip05/identities.ts";
import type { Verdict } from "../../lib/nip05/verdict.ts";
import type { NostrEvent } from "../../lib/nostr/event.ts";
import { eventOf, kindOf } from "../../lib/nostr/exact.ts";
import type { LogReader } from "../../lib/log/log_reader.ts";
import type { Log } from "../../runtime/log.ts";
import type { Nip05Answer } from "./nip05_fetch.ts";

const KIND_PROFILE = 0;

/** What it works with. */
export interface Nip05Parts {
  readonly identities: Identities;
  readonly entries: Pick<LogReader, "lastSeq" | "read">;
  readonly check: (asked: DueIdentity) => Promise<Nip05Answer>;
  readonly nowSeconds: () => number;
  /** A look-up is over. */
  readonly checked: (verdict: Verdict) => void;
  readonly log: Pick<Log, "debug" | "error">;
}

/** See the module's text. */
export class Nip05Follower {
  readonly #parts: Nip05Parts;
  /** Authors that are being asked about. */
  readonly #asked = new Set<string>();
  /** Site → look-ups under way there. */
  readonly #underWay = new Map<string, number>();
  /** Domain → when it may be called again, seconds. */
  readonly #pausedUntil = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #seq: number;
  #isClosed = false;

  constructor(parts: Nip05Parts) {
    this.#parts = parts;
    const { identities, entries } = parts;
    // A log that is shorter than its place in it is another one.
    this.#seq = identities.seq <= entries.lastSeq ? identities.seq : 0;
  }

  /** Looks now and then, until it is closed. */
  start(): void {
    this.#timer = setInterval(() => this.turn(), NIP05_LOOK_MS);
  }

  /** Reads on in the log, and begins what checks there is room for. */
  turn(): void {
    try {
      this.#follow();
      this.#begin();
    } catch (error) {
      // Search goes on without: what was verified stays so.
      this.#parts.log.error(`the check of NIP-05 identifiers ended: ${error}`);
      this.close();
    }
  }

  /** What is under way ends by itself and is forgotten. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#parts.identities.close();
  }

  #follow(): void {
    const { identities, entries, nowSeconds } = this.#parts;
    const read = entries.read(this.#seq, NIP05_LOG_ROWS);
    if (read.length === 0) return;
    const profiles: NostrEvent[] = [];
    const removed: string[] = [];
    for (const entry of read) {
      if (entry.type === "remove") removed.push(entry.id);
      else if (kindOf(entry.text) === KIND_PROFILE) profiles.push(eventOf(entry.text));
    }
    this.#seq = read.at(-1)!.seq;
    identities.take(profiles, removed, this.#seq, nowSeconds());
  }

  #begin(): void {
    const { identities, nowSeconds } = this.#parts;
    if (this.#asked.size >= NIP05_AT_ONCE_MAX) return;
    const now = nowSeconds();
    let begun = 0;
    for (const due of identities.due(now, NIP05_DUE_MAX)) {
      if (this.#asked.size >= NIP05_AT_ONCE_MAX || begun === NIP05_TURN_MAX) return;
      if (this.#asked.has(due.author)) continue;
      // Others' domains are not to be flooded by way of this relay.
      const pausedUntil = this.#pausedUntil.get(due.domain) ?? 0;
      if (pausedUntil > now) identities.postpone(due.author, pausedUntil);
      else if ((this.#underWay.get(siteOf(due.domain)) ?? 0) >= NIP05_SITE_AT_ONCE_MAX) {
        identities.postpone(due.author, now + NIP05_DOMAIN_SECONDS_MIN);
      } else {
        begun++;
        this.#ask(due, now);
      }
    }
  }

  async #ask(due: DueIdentity, now: number): Promise<void> {
    const { identities, check, nowSeconds, checked, log } = this.#parts;
    const site = siteOf(due.domain);
    this.#asked.add(due.author);
    this.#underWay.set(site, (this.#underWay.get(site) ?? 0) + 1);
    this.#pause(due.domain, now);
    const { verdict, reason } = await check(due);
    this.#asked.delete(due.author);
    const left = this.#underWay.get(site)! - 1;
    if (left > 0) this.#underWay.set(site, left);
    else this.#underWay.delete(site);
    checked(verdict);
    if (this.#isClosed) return;
    log.debug(`${due.name}@${due.domain} of ${due.author} is ${verdict}: ${reason}`);
    try {
      identities.decide(due, verdict, nowSeconds());
    } catch (error) {
      log.error(`the check of NIP-05 identifiers ended: ${error}`);
      this.close();
    }
  }

  #pause(domain: string, now: number): void {
    if (this.#pausedUntil.size >= NIP05_DOMAINS_PAUSED_MAX) {
      for (const [name, until] of this.#pausedUntil) if (until <= now) this.#pausedUntil.delete(name);
    }
    this.#pausedUntil.set(domain, now + NIP05_DOMAIN_SECONDS_MIN);
  }
}

/** The name that somebody owns, or the part of it that many share: its last two labels. */
function siteOf(domain: string): string {
  return domain.split(".").slice(-2).join(".");
}
