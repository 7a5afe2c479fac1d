/**
 * Where to go after sign-in: a path on this console and nothing else. `//host`, `/\host`, schemes and control characters lead elsewhere
 * in some browser, so anything but a plain absolute path becomes `/`.
 */
export function returnPath(next: string | string[] | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (typeof next !== 'string' || !/^\/(?![/\\])[^\\\u0000-\u001f]*$/.test(next)) return '/';
  const resolved = new URL(next, 'http://console.invalid');
  if (resolved.origin !== 'http://console.invalid' || resolved.pathname.startsWith('//') || resolved.pathname.startsWith('/sign-in'))
    return '/';
  return resolved.pathname + resolved.search + resolved.hash;
}
