/**
 * Follows the log for profiles (kind 0) and checks the identifiers that they claim (NIP-05), a few at a time, one of a
 * domain and two of a site: names below one that somebody owns cost them nothing, so servers of theirs that keep silent
 * would take the place of all others. It has its own place in the log: no event waits for it, and search does not either.
 * It rests between its turns, so that others' servers are spared, and then sleeps at the indexer's bell until the log goes
 * on or it is time to look which identifiers are due.
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
import { Follower, type LogSource } from "../../lib/log/follower.ts";
import type { IdRow, TextRow } from "../../lib/log/log_reader.ts";
import type { TailMemory } from "../../lib/log/tail.ts";
import type { Doorbell } from "../../lib/queue/doorbell.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Nip05Answer } from "./nip05_fetch.ts";

const KIND_PROFILE = 0;

/** What it works with. */
interface Nip05Parts {
  readonly identities: Identities;
  readonly entries: LogSource<TextRow, IdRow>;
  /** Says that the log goes on. Null: it is looked at in each turn. */
  readonly tail: TailMemory | null;
  readonly check: (asked: DueIdentity) => Promise<Nip05Answer>;
  readonly nowSeconds: () => number;
  /** A look-up is over. */
  readonly checked: (verdict: Verdict) => void;
  readonly log: Pick<Logger, "debug" | "error">;
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
  readonly #follower: Follower<TextRow, IdRow>;
  /** What was read and is not taken in yet: profiles, and ids of what was removed. */
  #profiles: NostrEvent[] = [];
  #removed: string[] = [];
  #isClosed = false;

  constructor(parts: Nip05Parts) {
    this.#parts = parts;
    const { identities, entries, tail } = parts;
    this.#follower = new Follower({
      log: entries,
      after: identities.seqWithin(entries.lastSeq),
      ...(tail !== null && { tail }),
      sink: {
        add: ([, text]) => {
          if (kindOf(text) === KIND_PROFILE) this.#profiles.push(eventOf(text));
        },
        remove: ([, id]) => this.#removed.push(id),
      },
    });
  }

  /** Takes turns, until it is closed or the owner of the bell is asked to stop. */
  async run(bell: Doorbell): Promise<void> {
    while (!this.#isClosed && !bell.stopRequested) {
      this.turn();
      await bell.restAsync(NIP05_LOOK_MS);
      await this.#follower.wait(bell);
    }
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
    this.#parts.identities.close();
  }

  #follow(): void {
    if (!this.#follower.hasMore) return;
    const before = this.#follower.cursor;
    this.#follower.step(NIP05_LOG_ROWS);
    if (this.#follower.cursor === before) return;
    const { identities, nowSeconds } = this.#parts;
    identities.apply(this.#profiles, this.#removed, this.#follower.cursor, nowSeconds());
    [this.#profiles, this.#removed] = [[], []];
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
