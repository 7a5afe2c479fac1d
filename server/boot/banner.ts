/** What an operator sees when everything is up. */
export interface Banner {
  consoleUrl: string;
  signInAddress: string | null;
  proxyHost: string;
  proxyPort: number;
  demo: { connection: string; agent: string; token: string } | null;
  dataDir: string;
}

/** Works as it stands in a POSIX shell: nothing in it needs quoting beyond the double quotes. */
export function psqlLine(
  banner: Pick<Banner, 'proxyHost' | 'proxyPort'>,
  demo: { connection: string; agent: string; token: string },
): string {
  const host = reachable(banner.proxyHost);
  return `PGPASSWORD=${demo.token} psql "host=${host} port=${banner.proxyPort} dbname=${demo.connection} user=${demo.agent}"`;
}

/** An address to connect to where `listening` is one to listen on. */
export function reachable(listening: string): string {
  if (listening === '0.0.0.0') return '127.0.0.1';
  return listening === '::' ? '::1' : listening;
}

export function renderBanner(banner: Banner): string {
  const lines = ['', '  Gatehouse is running', '', `  Console     ${banner.consoleUrl}`];
  if (banner.signInAddress !== null)
    lines.push(`  Sign in     ${banner.signInAddress}`, '              (works once, for 15 minutes; npx gatehouse sign-in prints another)');
  lines.push(`  Proxy       ${reachable(banner.proxyHost)}:${banner.proxyPort}`);
  if (banner.demo !== null) {
    lines.push(
      '',
      '  Connect as the demo agent:',
      '',
      `    ${psqlLine(banner, banner.demo)}`,
      '',
      '  and try',
      '',
      '    SELECT name, ssn FROM customers LIMIT 3;     masked on the way out',
      '    DROP TABLE orders;                           denied, the session lives on',
      '    DELETE FROM orders WHERE id = 3;             waits until you approve it in the console',
    );
  }
  lines.push('', `  Data in ${banner.dataDir}. Ctrl-C stops everything.`, '');
  return lines.join('\n');
}
