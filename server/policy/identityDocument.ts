import { z } from 'zod';
import { type IdentityProvider, JWT_ALGORITHMS } from '../../db/schema/identityShapes';
import { formatDuration, parseDuration } from '../duration';
import { given, nameSchema } from '../input';
import { kindSchema } from './shapes';

/** The document's `identity`: who says who people and workloads are. */

const DEFAULT_CLOCK_SKEW_MS = 30_000;
/** What every issuer of today signs with; longer ones of the same kinds are asked for by name. */
const DEFAULT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

const claim = z.string().min(1).max(200);
const word = z.string().min(1).max(500);
const byWord = z.record(word, nameSchema);
const skew = z
  .string()
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= 0 && ms <= 300_000) return ms;
    context.addIssue({ code: 'custom', message: 'a duration up to 5m' });
    return z.NEVER;
  })
  .default(DEFAULT_CLOCK_SKEW_MS);

const isLoopbackHost = (host: string) => host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
/** Keys that come over a line anybody can write to prove nothing. */
const secureUrl = z
  .string()
  .max(2_000)
  .refine((text) => URL.canParse(text), 'an address')
  .refine(
    (text) =>
      !URL.canParse(text) ||
      new URL(text).protocol === 'https:' ||
      (new URL(text).protocol === 'http:' && isLoopbackHost(new URL(text).hostname)),
    'an https address; http is for this machine alone',
  )
  .refine(
    (text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'no user or password in the address',
  );
const scopes = z
  .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'a scope'))
  .min(1)
  .max(30)
  .optional();

const principal = z.strictObject({
  claim,
  names: byWord.optional(),
  strip: word.optional(),
  create: kindSchema.optional(),
});
const groups = z.strictObject({ claim, names: byWord.optional() }).optional();

const oidc = z.strictObject({
  type: z.literal('oidc'),
  name: nameSchema,
  issuer: secureUrl,
  audiences: z.array(word).min(1, 'name at least one: a token for somebody else must not open this door').max(20),
  algorithms: z
    .array(z.enum(JWT_ALGORITHMS))
    .min(1)
    .default([...DEFAULT_ALGORITHMS]),
  jwksUri: secureUrl.optional(),
  clockSkew: skew,
  principal,
  groups,
  require: z
    .record(
      claim,
      z.union([word, z.array(word).min(1).max(100)]).transform((value) => (typeof value === 'string' ? [value] : value)),
    )
    .optional(),
  agents: byWord.optional(),
  device: z.strictObject({ clientId: word, scopes }).transform(given).optional(),
  console: z
    .strictObject({
      clientId: word,
      /** Absent keeps what is stored. */
      clientSecret: z.string().min(1).max(4_000).optional(),
      scopes,
      label: z.string().min(1).max(60).optional(),
    })
    .optional(),
});

const saml = z.strictObject({
  type: z.literal('saml'),
  name: nameSchema,
  metadata: z
    .string()
    .max(200_000)
    .refine(
      (text) => text.includes('EntityDescriptor') && text.includes('IDPSSODescriptor'),
      'the metadata of an identity provider, as XML',
    ),
  label: z.string().min(1).max(60).optional(),
  clockSkew: skew,
  signRequests: z.boolean().optional(),
  encryptedAssertions: z
    .enum(['optional', 'required'])
    .optional()
    .transform((word) => (word === 'required' ? word : undefined)),
  principal,
  groups,
});

const provider = z.discriminatedUnion('type', [oidc, saml]).superRefine((each, context) => {
  if (each.principal.names !== undefined && each.principal.create !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['principal', 'create'],
      message: 'with names, nobody else is let in: there is nobody to create',
    });
});

export const identitySchema = z
  .strictObject({ providers: z.array(provider).max(50).default([]) })
  .optional()
  .transform((identity): IdentityProvider[] =>
    (identity?.providers ?? []).map(
      ({ clockSkew, principal: who, groups: member, ...rest }) =>
        given({
          ...rest,
          clockSkewMs: clockSkew,
          principal: given(who),
          groups: member === undefined ? undefined : given(member),
          ...('console' in rest && rest.console !== undefined ? { console: given(rest.console) } : {}),
        }) as IdentityProvider,
    ),
  );

/** What may be stored, shown and compared. Pure. */
export function withoutSecret(each: IdentityProvider): IdentityProvider {
  if (each.type !== 'oidc' || each.console?.clientSecret === undefined) return each;
  const { clientSecret: _secret, ...bare } = each.console;
  return { ...each, console: bare };
}

/** As a document writes it, without its secret. Pure. */
export function renderProvider(each: IdentityProvider): object {
  const { clockSkewMs, ...rest } = withoutSecret(each);
  const usual = rest.type === 'oidc' && sameWords(rest.algorithms, DEFAULT_ALGORITHMS);
  return given({
    ...rest,
    ...(usual ? { algorithms: undefined } : {}),
    clockSkew: clockSkewMs === DEFAULT_CLOCK_SKEW_MS ? undefined : formatDuration(clockSkewMs),
  });
}

const sameWords = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((word, i) => word === b[i]);
