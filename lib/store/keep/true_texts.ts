/**
 * Whether a store's texts are events with the id of what they say and a signature of their author: all of them, or some
 * at random places. Whoever gives somebody a backup chooses its texts.
 * Runs in the process of a command; no state.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { VERIFY_BATCH_MAX } from "../../limits.ts";
import { fromNobody } from "../../policy/policy.ts";
import { EventIntake } from "../../verify/event_intake.ts";
import type { SignatureVerifier } from "../../verify/verifier.ts";

/** A text that is not what it says, and why. */
interface UntrueText {
  readonly seq: number;
  readonly reason: string;
}

/** Which texts, and what of them. */
export interface TextsToCheck {
  /** How many, at random places; null: all. */
  readonly sample: number | null;
  /** False takes signatures for granted; ids are checked all the same. */
  readonly signatures: boolean;
  /** A number from 0 up to 1, excluded. */
  random(): number;
}

interface Row {
  readonly seq: number;
  readonly text: string;
}

/** The first text that is not what it says, or null. */
export function untrueText(
  db: DatabaseSync,
  verifier: SignatureVerifier,
  asked: TextsToCheck,
): UntrueText | null {
  const intake = new EventIntake(verifier, () => null);
  let rows: Row[] = [];
  for (const row of asked.sample === null ? allOf(db) : sampleOf(db, asked.sample, asked.random)) {
    intake.addText(`["EVENT",${row.text}]`, fromNobody(0), !asked.signatures);
    rows.push(row);
    if (intake.hasRoom && rows.length < VERIFY_BATCH_MAX) continue;
    const untrue = decide(intake, rows);
    if (untrue !== null) return untrue;
    rows = [];
  }
  return decide(intake, rows);
}

function decide(intake: EventIntake, rows: readonly Row[]): UntrueText | null {
  intake.decide();
  const at = intake.entries.findIndex(({ refusal }) => refusal !== null);
  const reason = intake.entries[at]?.refusal?.message ?? "";
  intake.clear();
  return at < 0 ? null : { seq: rows[at]!.seq, reason: reason.replace("invalid: ", "") };
}

function allOf(db: DatabaseSync): Iterable<Row> {
  return db.prepare("SELECT seq, text FROM body ORDER BY seq").iterate() as unknown as Iterable<Row>;
}

function* sampleOf(db: DatabaseSync, count: number, random: () => number): Generator<Row> {
  const { least, most } = db.prepare("SELECT min(seq) AS least, max(seq) AS most FROM body").get()!;
  if (least === null) return;
  const row = db.prepare("SELECT seq, text FROM body WHERE seq >= ? ORDER BY seq LIMIT 1");
  const span = (most as number) - (least as number) + 1;
  for (let n = 0; n < count; n++) {
    // Of a small store each event comes in its turn.
    const at = span <= count ? n % span : Math.floor(random() * span);
    yield row.get((least as number) + at) as unknown as Row;
    if (span <= count && n === span - 1) return;
  }
}
