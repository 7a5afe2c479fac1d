import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CacheProvider } from '@node-saml/node-saml';
import { nameSchema } from '../../input';
import { log } from '../../log';
import type { Runtime } from '../../runtime';
import { readCookie } from '../cookie';
import { createTicket } from '../link';
import { type SamlSignOn, samlSignOn } from '../providers';
import { returnPath } from '../returnPath';
import { notSignedInAddress, signOn } from '../signOn';
import { againPage } from './againPage';
import { end, go, readForm } from './http';
import { readSamlKeys, type SamlKeys } from './keys';
import { takeLogout } from './logout';
import { readIdpMetadata } from './metadata';
import { describeServiceProvider } from './ownMetadata';
import { keepRequest, newRequestId, requestsOf, useResponse } from './requests';
import { type VerifiedResponse, verifyResponse } from './response';
import { addressesOf, REQUEST_TTL_MS, serviceProvider, signsRequests } from './serviceProvider';
import { keepSignOn } from './signOns';

export const SAML_PATH = '/api/saml/';
/** Says which browser began. Lax, so never with a form of another site: see {@link takeResponse}. */
const BROWSER_COOKIE = 'gatehouse.saml';

type Context = Pick<Runtime, 'store' | 'consoleUrl' | 'secretKey'>;

/** `/api/saml/NAME/login`, `/acs`, `/slo` and `/metadata`: sign-on by SAML 2.0, web browser SSO profile, begun here and never at the provider, and single logout. */
export function createSamlHandler(context: Context): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    res.setHeader('cache-control', 'no-store');
    const url = new URL(req.url ?? '/', 'http://console.invalid');
    const [name = '', verb, ...rest] = url.pathname.slice(SAML_PATH.length).split('/');
    // Of any name: the provider's side is often set up first, and its metadata goes into the policy then.
    if (verb === 'metadata' && req.method === 'GET' && nameSchema.safeParse(name).success) return describe(context, name, res);
    const provider = await samlSignOn(context.store, name);
    if (provider === null || rest.length > 0) return end(res, 404, 'No such identity provider.');
    if (verb === 'login' && req.method === 'GET') return begin(context, provider, req, res, returnPath(url.searchParams.get('next') ?? ''));
    if (verb === 'acs' && req.method === 'POST') return takeResponse(context, provider, req, res);
    if (verb === 'slo' && (req.method === 'GET' || req.method === 'POST'))
      return takeLogout(context, provider, req, res, url.search.slice(1));
    return end(res, 404, 'No such page.');
  };
}

async function begin(context: Context, provider: SamlSignOn, req: IncomingMessage, res: ServerResponse, returnTo: string): Promise<void> {
  const id = newRequestId();
  const browser = browserOf(req) ?? randomBytes(24).toString('base64url');
  try {
    const { saml } = await serviceProvider(provider, context.consoleUrl, {
      requestId: id,
      requests: NONE,
      signingKey: async () => (await keysOf(context)).signing.privateKey(),
    });
    const address = await saml.getAuthorizeUrlAsync('', undefined, {});
    await keepRequest(context.store, { id, providerId: provider.id, browser, returnTo }, new Date());
    const secure = context.consoleUrl.startsWith('https:') ? '; Secure' : '';
    res.setHeader(
      'set-cookie',
      `${BROWSER_COOKIE}=${browser}; Path=${SAML_PATH}; Max-Age=${REQUEST_TTL_MS / 1_000}; HttpOnly; SameSite=Lax${secure}`,
    );
    go(res, address);
  } catch (error) {
    log.warn({ provider: provider.name, reason: error instanceof Error ? error.message : 'unknown' }, 'a SAML sign-on cannot begin');
    go(res, notSignedInAddress(context.consoleUrl, 'unfinished', provider.name));
  }
}

/**
 * The provider's page posts here, and a form of another site carries no cookie of ours: the first answer is a page that posts the same form
 * again, from here, which then does. What comes with the form (RelayState) is not looked at.
 */
async function takeResponse(context: Context, provider: SamlSignOn, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { store, consoleUrl } = context;
  const form = await readForm(req);
  const samlResponse = form?.get('SAMLResponse') ?? '';
  if (form === null || !/^[A-Za-z0-9+/=\s]+$/.test(samlResponse)) return end(res, 400, 'No SAML response.');
  const browser = browserOf(req);
  if (browser === null && form.get('again') === null) return againPage(res, samlResponse);
  const who = { providerId: provider.id, browser: browser ?? '' };
  const taken: { returnTo: string; verified?: VerifiedResponse } = { returnTo: '/' };
  const ended = await signOn(store, provider, async () => {
    const service = await serviceProvider(provider, consoleUrl, { requestId: newRequestId(), requests: requestsOf(store, who) });
    const ourKeys = async () => (await keysOf(context)).all.map((key) => key.privateKey());
    const verified = await verifyResponse(provider, service, samlResponse, new Date(), ourKeys);
    taken.returnTo = returnPath(await useResponse(store, who, verified, new Date()));
    taken.verified = verified;
    return verified.assertion;
  });
  const { verified, returnTo } = taken;
  if (ended.state !== 'signedIn' || verified === undefined)
    return go(res, notSignedInAddress(consoleUrl, ended.state === 'signedIn' ? 'unfinished' : ended.state, provider.name));
  const whose = { principalId: ended.principal.id, providerId: provider.id };
  const link = await store.transaction(async (tx) => {
    const signOnId = await keepSignOn(tx, { ...whose, nameId: verified.nameId, sessionIndex: verified.sessionIndex }, new Date());
    return createTicket(tx, { ...whose, signOnId });
  });
  go(res, `${consoleUrl}/sign-in?${new URLSearchParams({ link, next: returnTo })}`);
}

async function describe(context: Context, name: string, res: ServerResponse): Promise<void> {
  const provider = await samlSignOn(context.store, name);
  const idp = provider === null ? null : await readIdpMetadata(provider.metadata).catch(() => null);
  const certificates = (await keysOf(context)).all.map(({ certificate }) => certificate);
  const signs = provider !== null && idp !== null && signsRequests(provider, idp);
  res.writeHead(200, { 'content-type': 'application/samlmetadata+xml' });
  res.end(describeServiceProvider(addressesOf(context.consoleUrl, name), certificates, { signsRequests: signs }));
}

const keysOf = ({ store, secretKey }: Context): Promise<SamlKeys> => readSamlKeys(store, secretKey, new Date());

/** For what answers no request. */
const NONE: CacheProvider = { getAsync: async () => null, saveAsync: async () => null, removeAsync: async () => null };

function browserOf(req: IncomingMessage): string | null {
  const value = readCookie(req.headers.cookie, BROWSER_COOKIE);
  return value !== null && /^[\w-]{32}$/.test(value) ? value : null;
}
