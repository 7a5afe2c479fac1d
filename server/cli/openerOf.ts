type Command = [program: string, args: string[]];

/**
 * What opens an address in a browser; null where nothing is to, or can. The address may be another party's, so it goes to a program as one
 * argument and through no shell, and only as a page of the web. Pure.
 *
 * @param options.browser `none`, a program, or null for the platform's own way
 */
export function openerOf(
  address: string,
  { browser, platform, env }: { browser: string | null; platform: NodeJS.Platform; env: Readonly<Record<string, string | undefined>> },
): Command | null {
  if (browser === 'none' || !URL.canParse(address)) return null;
  // As it is written anew nothing in it is an option, a quote or a space.
  const { href, protocol } = new URL(address);
  if (protocol !== 'https:' && protocol !== 'http:') return null;
  if (browser !== null && browser !== '') return [browser, [href]];
  switch (platform) {
    case 'darwin':
      return ['open', [href]];
    case 'win32':
      // Not `start`, which is the shell's.
      return ['rundll32', ['url.dll,FileProtocolHandler', href]];
    default:
      return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open', [href]] : null;
  }
}
