/**
 * Internet identifiers of authors (NIP-05), as profiles claim them.
 * Runs on any thread; no state.
 *
 * @module
 */

/** `name@domain`, in lower case. */
export interface Identifier {
  readonly name: string;
  /** A name of the DNS with a dot in it, as it is looked up: IDNs in their ASCII form. */
  readonly domain: string;
}

/** A name, and one label of a domain. */
const NAME = /^[a-z0-9._-]{1,64}$/;
const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/**
 * Reads an identifier. A domain alone means `_` at that domain.
 *
 * @returns null where it is none, names a port, or names an address in place of a domain.
 *
 * @example Usage
 * ```ts
 * import { readIdentifier } from "./identifier.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(readIdentifier("Bob@Example.com"), { name: "bob", domain: "example.com" });
 * assertEquals(readIdentifier("bob@127.0.0.1"), null);
 * ```
 */
export function readIdentifier(text: unknown): Identifier | null {
  if (typeof text !== "string" || text.length > 320) return null;
  const parts = text.trim().toLowerCase().split("@");
  if (parts.length > 2) return null;
  const name = parts.length === 2 ? parts[0]! : "_";
  const domain = readDomain(parts.at(-1)!);
  return domain !== null && NAME.test(name) ? { name, domain } : null;
}

/** Reads a domain, as searches name it too. Null: it is none. */
export function readDomain(text: string): string | null {
  if (!/^[^\s/?#:@\\[\]%]+$/.test(text)) return null;
  const host = URL.parse(`https://${text}`)?.hostname;
  return host !== undefined && DOMAIN.test(host) ? host : null;
}

/** The identifier that a profile (kind 0) claims, by its content; null: none. */
export function claimedIdentifier(content: string): Identifier | null {
  if (!content.includes('"nip05"')) return null;
  try {
    const profile: unknown = JSON.parse(content);
    if (typeof profile !== "object" || profile === null) return null;
    return readIdentifier((profile as Record<string, unknown>).nip05);
  } catch {
    return null;
  }
}
