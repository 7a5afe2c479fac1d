import type { NextAuthOptions } from 'next-auth';
import { log } from '../log';
import { getRuntime } from '../runtime';
import { type CookieClaims, cookieName, SESSION_MAX_AGE_S } from './cookie';
import { redeemSignInLink } from './link';
import { LINK, LOCAL, PASSKEY } from './linkProvider';
import { signInLocally } from './local/signIn';
import { type EndedUser, oidcProvider } from './oidc/provider';
import { signInWithPasskey } from './passkey/signIn';
import { oidcSignOns } from './providers';
import { recordFailedSignIn } from './recordSignIn';
import { returnPath } from './returnPath';
import { consoleSecret } from './secret';
import { notSignedInAddress } from './signOn';

/**
 * The options of next-auth; app/api/auth/[...nextauth]/route.ts hands them over. Sign in with `signIn(LINK, { link: 'gh_ln_…' })`, or by the name
 * of an OIDC provider. What the cookie holds: cookie.ts.
 */
export async function authOptions(): Promise<NextAuthOptions> {
  const runtime = getRuntime();
  const { store, secretKey, consoleUrl } = runtime;
  // next-auth builds its absolute addresses from this; without it, it would trust the Host header.
  process.env.NEXTAUTH_URL ??= consoleUrl;
  const secure = consoleUrl.startsWith('https:');
  return {
    secret: consoleSecret(secretKey),
    session: { strategy: 'jwt', maxAge: SESSION_MAX_AGE_S },
    useSecureCookies: secure,
    cookies: { sessionToken: { name: cookieName(consoleUrl), options: { httpOnly: true, sameSite: 'lax', path: '/', secure } } },
    pages: { signIn: '/sign-in', error: '/sign-in' },
    providers: [
      {
        id: LINK,
        name: 'One-time link',
        type: 'credentials',
        credentials: { link: { label: 'Sign-in link', type: 'password' } },
        async authorize(credentials) {
          const link = credentials?.link;
          if (typeof link !== 'string' || !link.startsWith('gh_ln_') || link.length > 100) return null;
          const redeemed = await redeemSignInLink(store, link);
          return redeemed === null ? null : { id: redeemed.principal.id, providerId: redeemed.providerId, signOnId: redeemed.signOnId };
        },
      },
      {
        id: PASSKEY,
        name: 'Passkey',
        type: 'credentials',
        credentials: { assertion: { label: 'Assertion', type: 'text' } },
        async authorize(credentials, request) {
          const cookie: unknown = request.headers?.cookie;
          const signedIn = await signInWithPasskey(
            { store, consoleUrl },
            credentials?.assertion,
            typeof cookie === 'string' ? cookie : undefined,
          );
          return signedIn === null ? null : { id: signedIn.principalId, providerId: signedIn.passkeyId };
        },
      },
      {
        id: LOCAL,
        name: 'Password and code',
        type: 'credentials',
        credentials: { name: { type: 'text' }, password: { type: 'password' }, code: { type: 'text' } },
        async authorize(credentials) {
          const ended = await signInLocally(runtime, credentials, new Date());
          if (ended.state === 'signedIn') return { id: ended.principalId, providerId: ended.accountId };
          // Its message is what the page gets; for a refusal that is next-auth's own.
          if (ended.state !== 'refused') throw new Error(ended.state);
          return null;
        },
      },
      ...(await oidcSignOns(store, secretKey)).map((provider) => oidcProvider({ store }, provider)),
    ],
    callbacks: {
      signIn: ({ user, account }) => {
        const ended = 'ended' in user ? (user as EndedUser).ended : null;
        return ended === null || ended.state === 'signedIn' || notSignedInAddress(consoleUrl, ended.state, account?.provider ?? '');
      },
      jwt: ({ token, user }) => (user === undefined ? token : claimsOf(user as SignedIn)),
      // Never off to another site: an open redirect after sign-in is a phishing tool.
      redirect: ({ url, baseUrl }) => baseUrl + returnPath(url.startsWith(`${baseUrl}/`) ? url.slice(baseUrl.length) : url),
    },
    logger: {
      error: (code, metadata) => {
        const { provider, reason } = failureOf(metadata);
        log.warn({ code, provider, reason }, 'console sign-in error');
        // What next-auth ends before it is ours: another browser's, or an issuer that cannot be asked.
        if (code === 'OAUTH_CALLBACK_ERROR' || code === 'SIGNIN_OAUTH_ERROR')
          void recordFailedSignIn(store, 'console', provider ?? 'single sign-on', 'not completed: the gateway’s log says why');
      },
      warn: (code) => log.debug({ code }, 'console sign-in warning'),
      debug: () => undefined,
    },
  };
}

/** Of what next-auth tells its log, what may be told: never what was sent. */
function failureOf(metadata: unknown): { provider: string | undefined; reason: string | undefined } {
  const { providerId, error } = typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, unknown>) : {};
  return {
    provider: typeof providerId === 'string' ? providerId : undefined,
    reason: error instanceof Error ? error.message.slice(0, 200) : undefined,
  };
}

interface SignedIn {
  id: string;
  /** Or the passkey's, or the local account's. */
  providerId: string | null;
  signOnId?: string | null;
}

const claimsOf = ({ id, providerId, signOnId }: SignedIn): CookieClaims & Record<string, unknown> => ({
  sub: id,
  by: providerId,
  signOn: signOnId ?? null,
  at: Date.now(),
});
