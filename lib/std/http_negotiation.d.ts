/** Types of `@std/http/negotiation` 1.1, for the copy on npm, which has none. */

/** The client's accepted media types, best first. */
export function accepts(request: Pick<Request, "headers">): string[];
/** The best of `types` for the client, or undefined. */
export function accepts(request: Pick<Request, "headers">, ...types: string[]): string | undefined;
