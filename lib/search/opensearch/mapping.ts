/**
 * The index as OpenSearch is told of it: how texts are analysed, what each field is, and the document of an event.
 * Runs on the indexer's thread; no state.
 *
 * @module
 */
import { type SearchDocument, TEXT_FIELDS, type TextField } from "../search_fields.ts";
import { CJK } from "../text.ts";

/** Raised when settings, fields or documents change: an index of another version is filled anew from the log. */
export const MAPPING_VERSION = 3;

/** How OpenSearch spreads the index. */
export interface IndexLayout {
  /** Primary shards; 1 holds tens of millions of events. */
  readonly shards?: number;
}

/** The analyzer of a search for several runs of CJK characters, one after another. */
export const CJK_RUNS = "cjk_runs";

const ANALYSIS = {
  char_filter: {
    // The standard tokenizer keeps `cash.app` and `don't` whole; then `cash` alone would not find it.
    joiners: {
      type: "mapping",
      mappings: [". => \\u0020", "_ => \\u0020", ": => \\u0020", "' => \\u0020", "’ => \\u0020"],
    },
  },
  filter: {
    pairs: { type: "cjk_bigram" },
    pairs_and_singles: { type: "cjk_bigram", output_unigrams: true },
    only_cjk: { type: "keep_types", types: ["<DOUBLE>", "<SINGLE>"] },
    only_singles: { type: "keep_types", types: ["<SINGLE>"] },
  },
  analyzer: {
    // Of no language in particular: no stemming, no stop words.
    words: {
      char_filter: ["joiners"],
      tokenizer: "standard",
      filter: ["cjk_width", "lowercase", "asciifolding"],
    },
    // In the index each character has a position, with itself and with the pair that it begins.
    cjk_indexed: { tokenizer: "standard", filter: ["cjk_width", "pairs_and_singles", "only_cjk"] },
    // One run asks for its pairs, which are rarer, so that fewer documents are looked at. Pairs have no position for a
    // run's last character, so a phrase of several runs asks for the characters.
    cjk_run: { tokenizer: "standard", filter: ["cjk_width", "pairs", "only_cjk"] },
    [CJK_RUNS]: { tokenizer: "standard", filter: ["cjk_width", "pairs_and_singles", "only_singles"] },
  },
};

/** The field that holds a text again, for its CJK characters; only where the text has any, for it costs as much. */
export function cjkField(field: TextField): string {
  return `${field}_cjk`;
}

const WORDS = { type: "text", analyzer: "words" };
const CJK_TEXT = { type: "text", analyzer: "cjk_indexed", search_analyzer: "cjk_run" };
const HAS_CJK = new RegExp(`[${CJK}]`, "u");

/** The body that creates the index. */
export function indexDefinition(layout: IndexLayout, aliases: readonly string[]): object {
  return {
    settings: {
      number_of_shards: layout.shards ?? 1,
      // A copy where there is a second node; a single node stays green without.
      auto_expand_replicas: "0-1",
      refresh_interval: "1s",
      // What a bulk acknowledges is on disk: the cursor relies on it.
      "translog.durability": "request",
      analysis: ANALYSIS,
    },
    mappings: {
      _meta: { application: "sluice", version: MAPPING_VERSION },
      dynamic: "strict",
      _source: { excludes: TEXT_FIELDS.map(cjkField) },
      properties: {
        // Searched for as `_id`; kept for sorting and for the answers, where `_id` is dearer.
        id: { type: "keyword", index: false },
        pubkey: { type: "keyword" },
        kind: { type: "integer" },
        created_at: { type: "long" },
        expires_at: { type: "long" },
        tags: { type: "keyword" },
        language: { type: "keyword" },
        sentiment: { type: "keyword" },
        is_spam: { type: "boolean" },
        is_sensitive: { type: "boolean" },
        ...Object.fromEntries(TEXT_FIELDS.map((field) => [field, WORDS])),
        ...Object.fromEntries(TEXT_FIELDS.map((field) => [cjkField(field), CJK_TEXT])),
      },
    },
    aliases: Object.fromEntries(aliases.map((alias) => [alias, {}])),
  };
}

/** The JSON text of an event's document. */
export function documentSource(document: SearchDocument): string {
  const { id, pubkey, kind, created_at, tags, texts } = document;
  const source: Record<string, unknown> = { id, pubkey, kind, created_at, tags, ...texts };
  // What is not so is left out: most documents have none of these.
  if (document.expires_at > 0) source.expires_at = document.expires_at;
  if (document.language !== "") source.language = document.language;
  if (document.sentiment !== "") source.sentiment = document.sentiment;
  if (document.isSpam) source.is_spam = true;
  if (document.isSensitive) source.is_sensitive = true;
  for (const field of TEXT_FIELDS) {
    const text = texts[field];
    if (text !== undefined && HAS_CJK.test(text)) source[cjkField(field)] = text;
  }
  return JSON.stringify(source);
}
