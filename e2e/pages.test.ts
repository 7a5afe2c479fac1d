import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, apiAsAdmin, makePrincipal } from './api';
import { sharedGateway } from './gateway';
import { type WebBrowser, webBrowser } from './webBrowser';

/** The routes of app/, found in its files, and what each answers to whom. A new file without a row fails. */
const { consoleUrl } = sharedGateway();

const SIGNED_IN = ['admin', 'reviewer', 'auditor', 'member'] as const;
const OUT = ['disabled', 'signedOut', 'forged', 'nobody'] as const;
type Who = (typeof SIGNED_IN)[number] | (typeof OUT)[number];

interface Row {
  path: string;
  /** What a person with a session gets. */
  status: number;
  /** And the others; where it is not said, they are led to sign in and back to this page. */
  others?: number;
  form?: Record<string, string>;
}

const page = (path: string): Row => ({ path, status: 200 });

/** By file. What a page shows comes from the API, which asks for the role itself: server/api/roles.test.ts. */
const TABLE: Record<string, Row[]> = {
  '(console)/page.tsx': [page('/')],
  '(console)/access/[[...id]]/page.tsx': [page('/access'), page('/access/acr_none')],
  '(console)/account/page.tsx': [page('/account')],
  '(console)/approvals/[[...id]]/page.tsx': [page('/approvals'), page('/approvals/req_none')],
  '(console)/approvals/grants/page.tsx': [page('/approvals/grants')],
  '(console)/audit/page.tsx': [page('/audit')],
  '(console)/audit/[id]/page.tsx': [page('/audit/stm_none')],
  '(console)/connections/page.tsx': [page('/connections')],
  '(console)/device/page.tsx': [page('/device')],
  '(console)/identity/page.tsx': [page('/identity')],
  '(console)/masking/page.tsx': [page('/masking')],
  '(console)/notifications/page.tsx': [page('/notifications')],
  '(console)/policy/page.tsx': [page('/policy')],
  '(console)/principals/page.tsx': [page('/principals')],
  '(console)/reports/page.tsx': [page('/reports')],
  '(console)/rules/page.tsx': [page('/rules')],
  '(console)/sessions/page.tsx': [page('/sessions')],
  '(console)/sessions/[id]/page.tsx': [page('/sessions/ses_none')],
  // Whoever is in has nothing to do here.
  'sign-in/page.tsx': [{ path: '/sign-in', status: 307, others: 200 }],
  'api/auth/[...nextauth]/route.ts': [
    { path: '/api/auth/csrf', status: 200, others: 200 },
    { path: '/api/auth/providers', status: 200, others: 200 },
    { path: '/api/auth/session', status: 200, others: 200 },
    { path: '/api/auth/signin', status: 302, others: 302 },
    { path: '/api/auth/callback/_link', status: 302, others: 302, form: { link: 'gh_ln_none' } },
    { path: '/api/auth/none', status: 400, others: 400 },
  ],
};

let admin: Api;
const browsers = {} as Record<Who, WebBrowser>;

beforeAll(async () => {
  admin = apiAsAdmin(sharedGateway());
  for (const who of [...SIGNED_IN, 'disabled', 'signedOut'] as const) {
    const role = who === 'disabled' || who === 'signedOut' ? 'admin' : who;
    browsers[who] = await signedIn(`wanders-${who.toLowerCase()}`, role);
  }
  const wandering = (await admin.principals.list.query()).find(({ name }) => name === 'wanders-disabled');
  await admin.principals.disable.mutate({ id: wandering?.id ?? '' });
  await admin.principals.signOut.mutate({ principal: 'wanders-signedout' });
  browsers.forged = webBrowser();
  browsers.nobody = webBrowser();
});
afterAll(async () => {
  for (const { id, name } of await admin.principals.list.query())
    if (name.startsWith('wanders-')) await admin.principals.disable.mutate({ id });
});

async function signedIn(name: string, role: 'admin' | 'reviewer' | 'auditor' | 'member'): Promise<WebBrowser> {
  await makePrincipal(admin, { name, kind: 'human', role, groups: [], email: `${name}@example.com` });
  const { path } = await admin.principals.signInLink.mutate({ principal: name });
  const link = new URL(path, consoleUrl).searchParams.get('link') ?? '';
  const browser = webBrowser();
  const { csrfToken } = (await (await browser.fetch(`${consoleUrl}/api/auth/csrf`)).json()) as { csrfToken: string };
  await browser.fetch(`${consoleUrl}/api/auth/callback/_link`, { form: { csrfToken, link, json: 'true' } });
  expect(Object.keys(browser.cookies(consoleUrl))).toContain('gatehouse.session');
  return browser;
}

async function ask(who: Who, { path, form }: Row): Promise<{ status: number; to: string | null; body: string }> {
  const forged = { redirect: 'manual', headers: { cookie: 'gatehouse.session=eyJhbGciOiJub25lIn0.e30.' } } as const;
  const answer =
    who === 'forged' && form === undefined
      ? await fetch(consoleUrl + path, forged)
      : await browsers[who].fetch(consoleUrl + path, form && { form });
  const location = answer.headers.get('location');
  const to = location === null ? null : new URL(location, consoleUrl);
  return { status: answer.status, to: to === null ? null : to.pathname + to.search, body: await answer.text() };
}

test('the table has every page and route', () => {
  const files = readdirSync('app', { recursive: true, encoding: 'utf8' });
  expect(Object.keys(TABLE).sort()).toEqual(files.filter((file) => /(?:^|\/)(?:page|route)\.[jt]sx?$/.test(file)).sort());
  // Nothing else of Next answers: no action of a form, no middleware.
  const isAction = (file: string) => /\.tsx?$/.test(file) && /^\s*['"]use server['"]/m.test(readFileSync(join('app', file), 'utf8'));
  expect(files.filter(isAction)).toEqual([]);
  expect(['middleware.ts', 'proxy.ts', 'pages', 'src'].filter((path) => existsSync(path))).toEqual([]);
});

test.each(Object.entries(TABLE))('%s', async (_file, rows) => {
  for (const row of rows) {
    for (const who of SIGNED_IN) {
      const { status, body } = await ask(who, row);
      expect([row.path, who, status]).toEqual([row.path, who, row.status]);
      if (row.others === undefined) expect(body).toContain('<nav');
    }
    for (const who of OUT) {
      const { status, to, body } = await ask(who, row);
      const signIn = row.path === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(row.path)}`;
      if (row.others !== undefined) expect([row.path, who, status]).toEqual([row.path, who, row.others]);
      else expect([row.path, who, status, to]).toEqual([row.path, who, 307, signIn]);
      expect([row.path, who, body.includes('<nav')]).toEqual([row.path, who, false]);
    }
  }
});
