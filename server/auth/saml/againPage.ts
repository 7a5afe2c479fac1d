import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** A page that posts a SAML response once more, from this origin. @param samlResponse base64: nothing in it ends an attribute */
export function againPage(res: ServerResponse, samlResponse: string): void {
  const nonce = randomBytes(16).toString('base64');
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; script-src 'nonce-${nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  });
  res.end(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Signing in</title></head>
<body><form method="post"><input type="hidden" name="again" value="1"><input type="hidden" name="SAMLResponse" value="${samlResponse}">
<noscript><button>Go on to Gatehouse</button></noscript></form>
<script nonce="${nonce}">document.forms[0].submit()</script></body></html>
`);
}
