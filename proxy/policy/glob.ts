/**
 * Matches a dotted glob against a path of names, segment by segment from the right: `orders` and `public.orders` and `*.orders` all
 * match `public`, `orders`. `*` stands for any run of characters inside one name, so a name that holds a dot cannot slip through.
 * Names compare exactly; time is linear in practice and never exponential.
 */
export function matchesGlob(pattern: string, path: readonly string[]): boolean {
  const segments = pattern.split('.');
  if (pattern === '*') return true;
  if (segments.length > path.length) return false;
  const tail = path.slice(path.length - segments.length);
  return segments.every((segment, index) => matchesSegment(segment, tail[index] ?? ''));
}

/** One segment with `*`: remembers the last star only, which is enough for this language. */
export function matchesSegment(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let next = 0;
  while (at < name.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (pattern[next] === name[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}
