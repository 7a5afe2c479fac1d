import type { IncomingMessage, ServerResponse } from 'node:http';
import { and, eq, isNull } from 'drizzle-orm';
import { identityProviders, signOns } from '../../../db/schema/identity';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { recordAction } from '../../actions/record';
import type { Call } from '../../identity/actor';
import { demand } from '../../identity/permission';
import { log } from '../../log';
import { getRuntime, type Runtime } from '../../runtime';
import { type SamlSignOn, samlSignOn } from '../providers';
import { end, go, readForm } from './http';
import { readSamlKeys } from './keys';
import { type LogoutRequest, logoutRequest, logoutResponse, readLogoutRequest } from './logoutMessages';
import { type IdpMetadata, readIdpMetadata } from './metadata';
import { readSigned, signedAddress } from './redirect';
import { newRequestId } from './requests';
import { addressesOf } from './serviceProvider';
import { refuseWeakSignatures } from './signatures';
import { endSignOns } from './signOns';

type Context = Pick<Runtime, 'store' | 'consoleUrl' | 'secretKey'>;

/**
 * Ends the console session that asks, where it rests on a sign-on at a provider; the browser forgets its cookie by itself.
 * @returns where the browser goes to end it there too; null where the provider hears of no sign-outs
 */
export async function leaveConsole({ store, actor, secretKey, signOn }: Call): Promise<{ address: string | null }> {
  demand(actor, 'me:read');
  if (signOn === undefined || actor.id === null) return { address: null };
  const whose = and(eq(signOns.id, signOn), eq(signOns.principalId, actor.id), isNull(signOns.endedAt));
  const now = new Date();
  const ended = await store.transaction(async (tx) => {
    const [row] = await tx.update(signOns).set({ endedAt: now }).where(whose).returning();
    const [provider] = row === undefined ? [] : await tx.select().from(identityProviders).where(eq(identityProviders.id, row.providerId));
    if (row === undefined || provider === undefined) return null;
    await recordAction(tx, actor, { action: 'console.signOut', subject: actor.name, after: { by: provider.name } });
    return { row, name: provider.name };
  });
  const provider = ended === null ? null : await samlSignOn(store, ended.name);
  if (ended === null || provider === null) return { address: null };
  const { consoleUrl } = getRuntime();
  try {
    const idp = await readIdpMetadata(provider.metadata);
    if (idp.logout === null) return { address: null };
    const envelope = { id: newRequestId(), now, issuer: addressesOf(consoleUrl, provider.name).metadata, destination: idp.logout.requests };
    const { signing } = await readSamlKeys(store, secretKey, now);
    const message = { kind: 'SAMLRequest' as const, xml: logoutRequest(envelope, ended.row), relayState: null };
    return { address: signedAddress(idp.logout.requests, message, signing.privateKey()) };
  } catch (error) {
    // Here it is over in any case.
    log.warn({ provider: provider.name, reason: reasonOf(error) }, 'a provider is not told of a sign-out');
    return { address: null };
  }
}

/**
 * `/api/saml/NAME/slo`: the provider signs somebody out, or answers that it has done so for us. What is not signed by it, or not now for us, ends
 * nothing and is answered with no more than that.
 */
export async function takeLogout(
  context: Context,
  provider: SamlSignOn,
  req: IncomingMessage,
  res: ServerResponse,
  query: string,
): Promise<void> {
  const { store, consoleUrl, secretKey } = context;
  const form = req.method === 'POST' ? await readForm(req) : new URLSearchParams(query);
  // An answer changes nothing: the session was over before it was asked for.
  if (form?.has('SAMLResponse')) return go(res, `${consoleUrl}/sign-in`);
  if (form === null || !form.get('SAMLRequest')) return end(res, 400, 'No SAML request.');
  const now = new Date();
  try {
    const idp = await readIdpMetadata(provider.metadata);
    const addresses = addressesOf(consoleUrl, provider.name);
    const said = req.method === 'POST' ? await readPosted(form, idp.certificates) : readSigned(query, 'SAMLRequest', idp.certificates);
    const request = await readLogoutRequest(said.xml, {
      ...{ issuer: idp.entityId, destination: addresses.slo, skewMs: provider.clockSkewMs, now },
      keys: async () => (await readSamlKeys(store, secretKey, now)).all.map((key) => key.privateKey()),
    });
    await endSignOns(store, provider, request, now);
    await answerLogout(context, { idp, issuer: addresses.metadata, request, relayState: said.relayState, now }, res);
  } catch (error) {
    log.warn({ provider: provider.name, reason: reasonOf(error) }, 'a SAML logout request is refused');
    if (!(error instanceof IdentityRefused)) throw error;
    end(res, 400, 'This request to sign out is not taken; the gateway’s log says why.');
  }
}

/** The HTTP-POST binding: the signature is in the message (SAML 2.0 Bindings §3.5). Read is what it covers, and nothing else. */
async function readPosted(form: URLSearchParams, certificates: string[]): Promise<{ xml: string; relayState: string | null }> {
  const { getVerifiedXml, parseDomFromString } = await import('@node-saml/node-saml/lib/xml.js');
  const xml = Buffer.from(form.get('SAMLRequest') ?? '', 'base64').toString('utf8');
  const verified = await refuseWeakSignatures(xml)
    .then(() => parseDomFromString(xml))
    .then((document) => getVerifiedXml(xml, document.documentElement, certificates))
    .catch((error: unknown): never => {
      throw new IdentityRefused(`the message cannot be verified: ${reasonOf(error)}`);
    });
  if (verified === null) throw new IdentityRefused('the message has no signature of the provider');
  return { xml: verified, relayState: form.get('RelayState') };
}

async function answerLogout(
  { store, secretKey }: Context,
  said: { idp: IdpMetadata; issuer: string; request: LogoutRequest; relayState: string | null; now: Date },
  res: ServerResponse,
): Promise<void> {
  const { idp, issuer, request, relayState, now } = said;
  if (idp.logout === null) return end(res, 200, 'Signed out.');
  const { signing } = await readSamlKeys(store, secretKey, now);
  const xml = logoutResponse({ id: newRequestId(), now, issuer, destination: idp.logout.responses }, request.id);
  go(res, signedAddress(idp.logout.responses, { kind: 'SAMLResponse', xml, relayState }, signing.privateKey()));
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message.slice(0, 300) : 'unknown');
