import type { NextAuthOptions } from 'next-auth';
import { log } from '../log';
import { getRuntime } from '../runtime';
import { COOKIE_NAME, SESSION_MAX_AGE_S } from './cookie';
import { redeemSignInLink } from './link';
import { consoleSecret } from './secret';

/**
 * The options of next-auth; app/api/auth/[...nextauth]/route.ts hands them over: `NextAuth(authOptions())`.
 * Sign in with `signIn('link', { link: 'gh_ln_…' })`. The cookie holds the principal's id and nothing that could go stale.
 */
export function authOptions(): NextAuthOptions {
  const { store, secretKey, consoleUrl } = getRuntime();
  // next-auth builds its absolute addresses from this; without it, it would trust the Host header.
  process.env.NEXTAUTH_URL ??= consoleUrl;
  const secure = consoleUrl.startsWith('https:');
  return {
    secret: consoleSecret(secretKey),
    session: { strategy: 'jwt', maxAge: SESSION_MAX_AGE_S },
    useSecureCookies: secure,
    cookies: { sessionToken: { name: COOKIE_NAME, options: { httpOnly: true, sameSite: 'lax', path: '/', secure } } },
    pages: { signIn: '/sign-in', error: '/sign-in' },
    providers: [
      {
        id: 'link',
        name: 'One-time link',
        type: 'credentials',
        credentials: { link: { label: 'Sign-in link', type: 'password' } },
        async authorize(credentials) {
          const link = credentials?.link;
          if (typeof link !== 'string' || !link.startsWith('gh_ln_') || link.length > 100) return null;
          const principal = await redeemSignInLink(store, link);
          return principal === null ? null : { id: principal.id, name: principal.name, email: principal.email };
        },
      },
    ],
    callbacks: {
      jwt: ({ token, user }) => (user === undefined ? token : { sub: user.id }),
      // Never off to another site: an open redirect after sign-in is a phishing tool.
      redirect: ({ url, baseUrl }) =>
        url.startsWith('/') && !url.startsWith('//')
          ? `${baseUrl}${url}`
          : new URL(url, baseUrl).origin === new URL(baseUrl).origin
            ? url
            : baseUrl,
    },
    logger: {
      error: (code) => log.warn({ code }, 'console sign-in error'),
      warn: (code) => log.debug({ code }, 'console sign-in warning'),
      debug: () => undefined,
    },
  };
}
