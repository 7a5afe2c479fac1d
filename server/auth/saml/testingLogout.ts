import { IdentityProvider, ServiceProvider } from 'samlify';
import type { TestIdp } from './testing';

/** Tests only: the provider's side of single logout, by samlify. */

export interface LogoutChanges {
  nameId: string;
  sessionIndexes?: readonly string[];
  id?: string;
  issuer?: string;
  destination?: string;
  /** From now, in seconds. */
  issuedAt?: number;
  notOnOrAfter?: number;
  relayState?: string;
  unsigned?: true;
  /** What is done to the request before it is signed. */
  template?(xml: string): string;
}

export function logoutsOf(idp: TestIdp, spMetadata: string, signedBy?: 'rsa-sha1') {
  const provider = IdentityProvider({
    ...(signedBy === undefined ? {} : { requestSignatureAlgorithm: `http://www.w3.org/2000/09/xmldsig#${signedBy}` }),
    ...{ metadata: idp.metadata, privateKey: idp.key },
    ...{ wantLogoutRequestSigned: true, wantLogoutResponseSigned: true },
  });
  const sp = (wantLogoutRequestSigned: boolean) => ServiceProvider({ metadata: spMetadata, wantLogoutRequestSigned });
  const read = (address: string) => {
    const { search, searchParams } = new URL(address);
    return { query: Object.fromEntries(searchParams), octetString: search.slice(1).replace(/&Signature=.*$/, '') };
  };
  return {
    /** A request as an address (`redirect`), or in base64 for a form (`post`). */
    ask(binding: 'redirect' | 'post', changes: LogoutChanges): string {
      const { context } = provider.createLogoutRequest(
        sp(changes.unsigned !== true),
        binding,
        { logoutNameID: changes.nameId },
        { relayState: changes.relayState ?? '', customTagReplacement: () => ({ id: '_', context: requestXml(idp, spMetadata, changes) }) },
      );
      return context;
    },
    /** What we ask for. @throws when no key of our metadata signed it */
    readRequest: async (address: string) => (await provider.parseLogoutRequest(sp(false), 'redirect', read(address))).extract,
    /** What we answer. */
    readResponse: async (address: string) => (await provider.parseLogoutResponse(sp(false), 'redirect', read(address))).extract,
  };
}

function requestXml(idp: TestIdp, spMetadata: string, changes: LogoutChanges): string {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
  const { id = `_${crypto.randomUUID()}`, notOnOrAfter } = changes;
  const slo = /<SingleLogoutService[^>]* Location="([^"]+)"/.exec(spMetadata)?.[1];
  const issuer = changes.issuer ?? /entityID="([^"]+)"/.exec(idp.metadata)?.[1];
  const ends = notOnOrAfter === undefined ? '' : ` NotOnOrAfter="${at(notOnOrAfter)}"`;
  const indexes = (changes.sessionIndexes ?? []).map((index) => `<samlp:SessionIndex>${index}</samlp:SessionIndex>`).join('');
  const xml = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${at(changes.issuedAt ?? 0)}" Destination="${changes.destination ?? slo}"${ends}><saml:Issuer>${issuer}</saml:Issuer><saml:NameID>${changes.nameId}</saml:NameID>${indexes}</samlp:LogoutRequest>`;
  return changes.template?.(xml) ?? xml;
}
