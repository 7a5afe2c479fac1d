import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { signOnWays } from '../../server/auth/providers';
import { returnPath } from '../../server/auth/returnPath';
import { signsInByPassword } from '../../server/localAccounts/offered';
import { passkeySignInOrigin } from '../../server/passkeys/signInOrigin';
import { getRuntime } from '../../server/runtime';
import { Logo } from '../shell/logo';
import { isSignedIn } from '../viewer';
import { PasskeySignIn } from './passkey';
import { PasswordSignIn } from './password';
import { LinkCard, RedeemLink } from './redeem';
import { SignOn } from './signOn';
import { noticeOf } from './words';

export const metadata: Metadata = { title: 'Sign in' };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

/** Fetching this page changes nothing: a script of it redeems the link by POST, so what only follows links cannot spend it. */
export default async function SignInPage({ searchParams }: Props) {
  const { link, next, ...rest } = await searchParams;
  const to = returnPath(next);
  if (typeof link !== 'string' && (await isSignedIn())) redirect(to);
  const ways = await signOnWays(getRuntime().store);
  const passkeysAt = await passkeySignInOrigin();
  const byPassword = await signsInByPassword(getRuntime());
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-md">
        <div className="mb-6 flex items-center gap-3">
          <Logo className="size-9" />
          <div>
            <p className="text-lg font-semibold leading-tight tracking-tight">Gatehouse</p>
            <p className="text-sm text-ink-2">PostgreSQL gateway for agents</p>
          </div>
        </div>
        {typeof link === 'string' ? (
          <RedeemLink link={link} to={to} />
        ) : ways.length === 0 && passkeysAt === null && !byPassword ? (
          <LinkCard title="Sign in with a one-time link" />
        ) : (
          <SignOn ways={ways} to={to} notice={noticeOf(rest, ways)}>
            {byPassword ? <PasswordSignIn to={to} /> : null}
            {passkeysAt === null ? null : <PasskeySignIn origin={passkeysAt} to={to} />}
          </SignOn>
        )}
      </div>
    </main>
  );
}
