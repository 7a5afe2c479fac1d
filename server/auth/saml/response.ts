import type { Profile } from '@node-saml/node-saml';
import { z } from 'zod';
import type { SamlNameId } from '../../../db/schema/identityShapes';
import { type Assertion, IdentityRefused } from '../../../proxy/identity/assertion';
import { given } from '../../input';
import type { SamlSignOn } from '../providers';
import { Unfinished } from '../signOn';
import { clearResponse } from './clearResponse';
import type { ServiceProvider } from './serviceProvider';

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

/** An assertion whose signature, issuer, audience, recipient and times hold, for a request of ours. It may still have been used before. */
export interface VerifiedResponse {
  assertion: Assertion;
  requestId: string;
  assertionId: string;
  /** Until then it would be believed. */
  notOnOrAfter: Date;
  /** What the provider calls the person, and their session: to end it there or here. */
  nameId: SamlNameId;
  sessionIndex: string | null;
}

/**
 * @param keys our private keys as PEM, asked for when something is encrypted
 * @throws IdentityRefused | Unfinished
 */
export async function verifyResponse(
  provider: SamlSignOn,
  { saml, idp, addresses }: ServiceProvider,
  samlResponse: string,
  now: Date,
  keys: () => Promise<string[]>,
): Promise<VerifiedResponse> {
  const judged = async () => {
    const expects = { certificates: idp.certificates, required: provider.encryptedAssertions === 'required', keys };
    return saml.validatePostResponseAsync({ SAMLResponse: await clearResponse(samlResponse, expects) });
  };
  const { profile } = await judged().catch((error: unknown): never => {
    if (error instanceof Unfinished || error instanceof IdentityRefused) throw error;
    throw new IdentityRefused(error instanceof Error ? error.message.slice(0, 300) : 'the response cannot be read');
  });
  if (profile === null) throw new Unfinished('the response has no assertion');
  if (profile.issuer !== idp.entityId) throw new IdentityRefused('the assertion is of another issuer');
  if (typeof profile.nameID !== 'string' || profile.nameID === '') throw new IdentityRefused('the assertion has no NameID');
  if (profile.nameIDFormat === TRANSIENT)
    throw new IdentityRefused('the NameID is transient, another one at each sign-in: have the provider send a persistent one');
  const signed = signedSchema.safeParse(profile.getAssertion?.());
  if (!signed.success) throw new IdentityRefused('the assertion has no bearer confirmation, or no id');
  const bearer = bearerOf(signed.data.Assertion, { recipient: addresses.acs, skewMs: provider.clockSkewMs, now });
  if (typeof bearer === 'string') throw new IdentityRefused(bearer);
  return {
    assertion: assertionOf(provider, profile, signed.data.Assertion),
    requestId: bearer.inResponseTo,
    assertionId: signed.data.Assertion.$.ID,
    notOnOrAfter: new Date(bearer.notOnOrAfter.getTime() + provider.clockSkewMs),
    nameId: given({
      value: profile.nameID,
      format: said(profile.nameIDFormat),
      nameQualifier: said(profile.nameQualifier),
      spNameQualifier: said(profile.spNameQualifier),
    }),
    sessionIndex: said(profile.sessionIndex) ?? null,
  };
}

const said = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const instant = z.string().transform((text, context) => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) context.addIssue({ code: 'custom', message: 'no time' });
  return at;
});
const confirmation = z.object({
  $: z.object({ Method: z.string() }),
  SubjectConfirmationData: z
    .array(
      z.object({
        $: z
          .object({
            Recipient: z.string().optional(),
            InResponseTo: z.string().optional(),
            NotOnOrAfter: instant.optional(),
            NotBefore: instant.optional(),
          })
          .default({}),
      }),
    )
    .default([]),
});
const signedSchema = z.object({
  Assertion: z.object({
    $: z.object({ ID: z.string().min(1), IssueInstant: instant }),
    Subject: z.array(z.object({ SubjectConfirmation: z.array(confirmation).min(1) })).length(1),
  }),
});
type Signed = z.output<typeof signedSchema>['Assertion'];

/**
 * The bearer confirmation that is for us, now (SAML 2.0 Profiles §4.1.4.2, §4.1.4.3), or why there is none. What it says is signed, which of the
 * response around it only the assertion is. Pure.
 */
export function bearerOf(
  assertion: Signed,
  expects: { recipient: string; skewMs: number; now: Date },
): { inResponseTo: string; notOnOrAfter: Date } | string {
  const nowMs = expects.now.getTime();
  let why = 'the assertion has no bearer confirmation';
  for (const { $, SubjectConfirmationData } of assertion.Subject[0]?.SubjectConfirmation ?? []) {
    const data = SubjectConfirmationData[0]?.$;
    if ($.Method !== BEARER || data === undefined) continue;
    if (data.Recipient !== expects.recipient) why = 'the assertion is for another recipient';
    else if (data.NotOnOrAfter === undefined) why = 'the assertion does not say how long it may be used';
    else if (nowMs - expects.skewMs >= data.NotOnOrAfter.getTime()) why = 'the assertion has expired';
    else if (data.NotBefore !== undefined && nowMs + expects.skewMs < data.NotBefore.getTime()) why = 'the assertion is not valid yet';
    else if (data.InResponseTo === undefined) why = 'nobody asked for the assertion: sign in from the console';
    else return { inResponseTo: data.InResponseTo, notOnOrAfter: data.NotOnOrAfter };
  }
  return why;
}

function assertionOf(provider: SamlSignOn, profile: Profile, signed: Signed): Assertion {
  const attributes = typeof profile.attributes === 'object' && profile.attributes !== null ? profile.attributes : {};
  return {
    providerId: provider.id,
    provider: provider.name,
    issuer: profile.issuer,
    subject: profile.nameID,
    claims: { ...attributes, nameID: profile.nameID },
    actors: [],
    client: null,
    tokenId: signed.$.ID,
    issuedAt: signed.$.IssueInstant,
    expiresAt: null,
  };
}
