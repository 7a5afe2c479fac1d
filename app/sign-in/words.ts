import type { SignOnWay } from '../../server/auth/providers';

export interface Notice {
  tone: 'deny' | 'hold';
  text: string;
}

/**
 * What somebody reads whose sign-in at a provider came to nothing; null where there is nothing to say. It says the same whether they are
 * unknown here, disabled or no person: who has an account is nobody's business. Pure; an address can put no words of its own on the page.
 *
 * @param query.ended see server/auth/signOn.ts
 * @param query.error next-auth's own word, where the sign-in ended before it was ours
 */
export function noticeOf(query: { ended?: unknown; with?: unknown; error?: unknown }, ways: readonly SignOnWay[]): Notice | null {
  const label = ways.find(({ name }) => name === query.with)?.label ?? null;
  switch (query.ended ?? (query.error === 'OAuthSignin' ? 'unavailable' : query.error === undefined ? null : 'unfinished')) {
    case null:
      return null;
    case 'refused':
      return {
        tone: 'deny',
        text: `You were not signed in: ${label ?? 'your identity provider'} said who you are, and that does not open this console. Ask an administrator of this gateway for access; the record of actions tells them why.`,
      };
    case 'unavailable':
      return { tone: 'hold', text: unavailableText(label) };
    default:
      return {
        tone: 'hold',
        text: `You were not signed in: the sign-in${label === null ? '' : ` with ${label}`} was not completed. It may have been cancelled, begun in another browser, or taken too long. Try again.`,
      };
  }
}

export const unavailableText = (label: string | null): string =>
  `You were not signed in: ${label ?? 'the identity provider'} does not answer. Try again in a while; sessions that are open go on.`;

/** What somebody reads whom password and code did not sign in: never which of them was wrong. Pure. @param ended see server/auth/local/signIn.ts */
export function passwordEndedText(ended: string): string {
  switch (ended) {
    case 'wait':
      return 'You were not signed in: too many attempts. Wait a quarter of an hour, or ask an administrator for a one-time link.';
    case 'busy':
      return 'You were not signed in: too many people sign in at this moment. Try again in a few seconds.';
    case 'unreachable':
      return 'You were not signed in: the gateway did not answer. Try again.';
    default:
      return 'You were not signed in: name, password and code do not fit together. Each code works once, so wait for the next one.';
  }
}
