import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { gatewayUrl } from './client';
import { CliError } from './errors';
import { keepLogin, keptLogin } from './keptLogins';
import { openerOf } from './openerOf';
import type { Context, Define } from './run';
import { oneLine } from './table';

interface Given {
  access_token: string;
  expires_in: number;
  principal: string;
  audience?: string[];
  proxy: { host: string; port: number };
}

interface Codes {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete?: string;
  expires_in: number;
  interval?: number;
}

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TIMEOUT_MS = 15_000;

/** `login` and `logout`: a person signs their command line in, in a browser, on whatever machine. */
export function loginCommands(program: Command, define: Define): void {
  define(program, 'login', 'sign this command line in: a code here, a yes in the console', login)
    .option('--connections <names>', 'only for these connections, e.g. shop,crm: the token opens no console and no API')
    .option('--provider <name>', 'sign in at this OIDC provider itself; the policy gives it a device client')
    .option('--url <address>', 'the console’s address (default: GATEHOUSE_URL, or the gateway of this machine)')
    .option('--browser <program>', 'what opens the page (default: this system’s own way, on a terminal); none: only print its address');
  define(program, 'logout', 'end what login began, and forget it', logout).option('--url <address>', 'where (default: as login)');
}

async function login(
  context: Context,
  _args: readonly string[],
  options: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  const url = urlOf(context, options.url);
  const names = typeof options.connections === 'string' ? options.connections.split(',').map((name) => name.trim()) : [];
  // Not the whole context: its client asks for a token, which is what is not there yet.
  const shown = { warn: context.warn, progress: context.progress, openPage: pageOpener(context, options.browser) };
  const given =
    typeof options.provider === 'string' ? await atProvider(shown, url, options.provider, names) : await atConsole(shown, url, names);
  keepLogin(context.env, url, {
    token: given.access_token,
    principal: given.principal,
    expiresAt: new Date(Date.now() + given.expires_in * 1_000).toISOString(),
    connections: given.audience ?? null,
    proxy: given.proxy,
  });
  const there = url === gatewayUrl(context.env) ? '' : `GATEHOUSE_URL=${url} `;
  const hours = Math.max(1, Math.round(given.expires_in / 3_600));
  context.print(
    { principal: given.principal, expiresInS: given.expires_in, connections: given.audience ?? null },
    `signed in as ${given.principal} for ${hours} ${hours === 1 ? 'hour' : 'hours'}; next: ${there}gatehouse psql CONNECTION`,
  );
}

async function logout(
  context: Context,
  _args: readonly string[],
  options: Readonly<Record<string, string | boolean | undefined>>,
): Promise<void> {
  const url = urlOf(context, options.url);
  const kept = keptLogin(context.env, url);
  if (kept === null) return context.print({ signedOut: false }, `not signed in at ${url}`);
  keepLogin(context.env, url, null);
  // By the token itself: it ends, and nobody needs to be an administrator for that.
  const answer = await post(`${url}/api/token/revoke`, { token: kept.token });
  if (!answer.ok)
    throw new CliError(`forgotten here, but ${url} did not end it (${answer.status}); it ends by itself at ${kept.expiresAt}`);
  context.print({ signedOut: true }, `signed out at ${url}`);
}

/** With what shows a person the page where they say yes. */
type Shown = Pick<Context, 'warn' | 'progress'> & { openPage(address: string): void };

function urlOf({ env }: Pick<Context, 'env'>, given: string | boolean | undefined): string {
  if (typeof given !== 'string') return gatewayUrl(env);
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
    throw new CliError('--url is the console’s address, e.g. https://gatehouse.example.com', 2);
  return gatewayUrl({ GATEHOUSE_URL: given });
}

/** Without `--browser` a page is opened where somebody looks at a terminal: a script has its address printed. */
function pageOpener({ env, interactive, open }: Context, browser: string | boolean | undefined): (address: string) => void {
  return (address) => {
    const asked = typeof browser === 'string' ? browser : interactive ? null : 'none';
    const command = openerOf(address, { browser: asked, platform: process.platform, env });
    if (command !== null) open(...command);
  };
}

async function atConsole(context: Shown, url: string, names: readonly string[]): Promise<Given> {
  const form: Record<string, string> = { client_name: 'gatehouse command line' };
  if (names.length > 0) form.audience = names.join(' ');
  const codes = await asked<Codes>(`${url}/api/device`, form, 'the sign-in could not be begun');
  return polled(context, codes, `${url}/api/token`, { grant_type: DEVICE, device_code: codes.device_code });
}

/** The provider signs the person in; its token is then exchanged for one of the gateway's. */
async function atProvider(context: Shown, url: string, name: string, names: readonly string[]): Promise<Given> {
  const provider = (await devicesOf(url)).find((each) => each.name === name);
  if (provider === undefined) throw new CliError(`no provider ${name} with a device client: the policy names it under identity, device`);
  const discovery = await fetchJson<{ device_authorization_endpoint?: string; token_endpoint?: string; issuer?: string }>(
    `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  );
  const { device_authorization_endpoint: begin, token_endpoint: end } = discovery;
  if (discovery.issuer !== provider.issuer || begin === undefined || end === undefined)
    throw new CliError(`${provider.issuer} has no device flow`);
  if (![begin, end].every((address) => isAsSafe(address, provider.issuer)))
    throw new CliError(`${provider.issuer} sends its device flow over a line that is not https`);
  const codes = await asked<Codes>(
    begin,
    { client_id: provider.clientId, scope: provider.scopes.join(' ') },
    'the provider did not begin the sign-in',
  );
  const tokens = await polled<{ access_token?: string; id_token?: string }>(context, codes, end, {
    grant_type: DEVICE,
    device_code: codes.device_code,
    client_id: provider.clientId,
  });
  // Whichever of the two is for the gateway: providers differ in which that is.
  const isForUs = (token: string | undefined) => audiencesOf(token).some((audience) => provider.audiences.includes(audience));
  const type = isForUs(tokens.access_token) ? 'access_token' : 'id_token';
  const form: Record<string, string> = {
    grant_type: EXCHANGE,
    subject_token: tokens[type] ?? '',
    subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
  };
  if (names.length > 0) form.audience = names.join(' ');
  return asked<Given>(`${url}/api/token`, form, 'the gateway did not take the provider’s token');
}

/** A token is not fetched over a line that anybody can read, unless the provider itself is on this machine. */
function isAsSafe(address: string, issuer: string): boolean {
  if (!URL.canParse(address)) return false;
  const [to, itself] = [new URL(address), new URL(issuer)];
  return to.protocol === 'https:' || (itself.protocol === 'http:' && to.host === itself.host);
}

interface DeviceProvider {
  name: string;
  issuer: string;
  clientId: string;
  audiences: string[];
  scopes: string[];
}

/** Read only to choose by: the gateway verifies what it is given. */
function audiencesOf(token: string | undefined): string[] {
  try {
    const { aud } = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString('utf8')) as { aud?: string | string[] };
    return [aud ?? []].flat();
  } catch {
    // An opaque token says nothing.
    return [];
  }
}

const devicesOf = (url: string): Promise<DeviceProvider[]> => fetchJson<DeviceProvider[]>(`${url}/api/device`);

/** Shows the code, and asks until somebody has decided (RFC 8628 §3.5). */
async function polled<T extends object = Given>(context: Shown, codes: Codes, url: string, form: Record<string, string>): Promise<T> {
  const where = codes.verification_uri_complete ?? codes.verification_uri;
  context.warn(`Open ${oneLine(where, 300)}`);
  context.warn(`and confirm the code ${oneLine(codes.user_code, 40)}`);
  context.openPage(where);
  let everyMs = (codes.interval ?? 5) * 1_000;
  const until = Date.now() + codes.expires_in * 1_000;
  while (Date.now() < until) {
    context.progress('waiting for you to say yes there');
    await delay(everyMs);
    const answer = await post(url, form);
    const body = (await answer.json().catch(() => ({}))) as { error?: string; error_description?: string } & T;
    if (answer.ok) {
      context.progress('');
      return body;
    }
    if (body.error === 'slow_down') everyMs += 5_000;
    else if (body.error !== 'authorization_pending') {
      context.progress('');
      throw new CliError(
        body.error === 'access_denied' ? 'the sign-in was refused' : oneLine(body.error_description ?? `answered ${answer.status}`, 300),
      );
    }
  }
  context.progress('');
  throw new CliError('nobody said yes in time: run gatehouse login again');
}

async function asked<T>(url: string, form: Record<string, string>, what: string): Promise<T> {
  const answer = await post(url, form);
  const body = (await answer.json().catch(() => ({}))) as T & { error_description?: string };
  if (!answer.ok) throw new CliError(`${what}: ${oneLine(body.error_description ?? `answered ${answer.status}`, 300)}`);
  return body;
}

async function post(url: string, form: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new CliError(`${new URL(url).origin} does not answer: is the gateway running, and GATEHOUSE_URL its console?`);
  }
}

async function fetchJson<T>(url: string): Promise<T> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => null);
  if (answer === null || !answer.ok) throw new CliError(`${new URL(url).origin} does not answer`);
  return (await answer.json()) as T;
}
