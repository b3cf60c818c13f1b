/**
 * An addition to a search index whose document is made whenever it is asked for, and is not kept. Documents of a bulk lived
 * long enough to be moved among V8's old objects, where they lay for hundreds of bulks.
 * Runs on the indexer's thread; holds the event's text.
 *
 * @module
 */
import { searchDocument } from "../../lib/search/search_document.ts";
import type { SearchDocument } from "../../lib/search/search_fields.ts";
import { eventOf, idOf } from "../../lib/nostr/exact.ts";

/** See the module's text. */
export class Addition {
  readonly type = "add";
  readonly seq: number;
  readonly id: string;
  readonly #text: string;

  /** @param text The event as it is stored. */
  constructor(seq: number, text: string) {
    this.seq = seq;
    this.id = idOf(text);
    this.#text = text;
  }

  /** Made anew each time. */
  get document(): SearchDocument {
    return searchDocument(eventOf(this.#text));
  }
}
