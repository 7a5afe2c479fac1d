import { claimOf } from './mapAssertion';

/** What a claim says, as words; empty where it says nothing. Pure. */
export function claimWords(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  const value = claimOf(claims, path);
  return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
    typeof each === 'string' ? [each] : typeof each === 'number' || typeof each === 'boolean' ? [String(each)] : [],
  );
}
