/** What a claim says, as words; empty where it says nothing. Pure. */
export function claimWords(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  const value = claimOf(claims, path);
  return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) =>
    typeof each === 'string' ? [each] : typeof each === 'number' || typeof each === 'boolean' ? [String(each)] : [],
  );
}

/**
 * The longest name first: a claim that is there by its whole name is that one. A dot goes into an object, and names that have dots themselves
 * are found too: `kubernetes.io.namespace` is the `namespace` of `kubernetes.io`. Pure.
 */
export function claimOf(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot);
    const inner = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      const value = claimOf(inner as Record<string, unknown>, path.slice(dot + 1));
      if (value !== undefined) return value;
    }
  }
  return undefined;
}
