import { createHash } from 'node:crypto';
import { ScimError } from './errors';

/** The version of a resource is made of what it says (RFC 7644 §3.14), so that nothing has to be counted. Pure. */
export const versionOf = (content: object): string =>
  `W/"${createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 20)}"`;

/** Whether one of the tags that a client knows is this version; `*` is any. Weak as all of ours are, and RFC 7644 compares them so. Pure. */
export function isAmong(header: string, version: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//i, '');
  return header.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(version));
}

/** @throws ScimError 412 where the client has not seen what is there now */
export function demandMatch(ifMatch: string | undefined, version: string): void {
  if (ifMatch !== undefined && !isAmong(ifMatch, version))
    throw new ScimError(412, 'the resource is not the version of If-Match any more: read it again');
}
