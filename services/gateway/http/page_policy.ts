/**
 * What a page may load and do (Content Security Policy).
 * Runs on a gateway thread; no state.
 *
 * @module
 */

/** Nothing may be loaded, framed or run; a page that needs more says so itself. */
export const PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The policy of a page with one style sheet inside and images from `imageOrigins`. */
export function pagePolicy(styleHash: string, imageOrigins: readonly string[]): string {
  const images = ["data:", ...imageOrigins].join(" ");
  return `${PAGE_POLICY}; style-src '${styleHash}'; img-src ${images}`;
}
