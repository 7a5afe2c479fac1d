import { randomBytes } from 'node:crypto';

/** What scripts may do that is not ours: nothing. A page's own scripts carry the nonce of its answer. */
export interface PageRules {
  /** The console is reached over https. */
  https: boolean;
  /** Development mode builds pages with eval and a socket. */
  dev: boolean;
}

const YEAR_S = 31_536_000;

/** On every answer: an approval page that another site could frame could be clicked for its reviewer. */
export function securityHeaders(rules: PageRules, nonce: string): [name: string, value: string][] {
  return [
    ['content-security-policy', contentSecurityPolicy(rules, nonce)],
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'same-origin'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self)'],
    ...(rules.https ? ([['strict-transport-security', `max-age=${YEAR_S}`]] as [string, string][]) : []),
  ];
}

export const newNonce = (): string => randomBytes(16).toString('base64');

/** Styles may stand in attributes: widths of bars are computed. Nothing is loaded from another host. */
export function contentSecurityPolicy({ dev }: PageRules, nonce: string): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'${dev ? " 'unsafe-eval'" : ''}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    `connect-src 'self'${dev ? ' ws:' : ''}`,
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
