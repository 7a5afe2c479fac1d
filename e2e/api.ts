import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTRPCClient, httpBatchLink, type TRPCClient } from '@trpc/client';
import superjson from 'superjson';
import type { AppRouter } from '../server/api/router';
import type { Gateway } from './gateway';

export type Api = TRPCClient<AppRouter>;

/** The console's API, called as the owner of a token. */
export function apiAs(gateway: Gateway, token: string): Api {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({ url: `${gateway.consoleUrl}/api/trpc`, transformer: superjson, headers: { authorization: `Bearer ${token}` } }),
    ],
  });
}

/** The same as the console's own page, by the cookie of a browser that is signed in. */
export function apiAsBrowser(gateway: Gateway, cookie: string): Api {
  return createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${gateway.consoleUrl}/api/trpc`,
        transformer: superjson,
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
      }),
    ],
  });
}

export function adminToken(gateway: Gateway): string {
  return readFileSync(join(gateway.dataDir, 'admin-token'), 'utf8').trim();
}

export function demoToken(gateway: Gateway): string {
  return readFileSync(join(gateway.dataDir, 'demo-token'), 'utf8').trim();
}

export const apiAsAdmin = (gateway: Gateway): Api => apiAs(gateway, adminToken(gateway));

/** Makes or replaces a principal and hands out a token for it. */
export async function makePrincipal(
  admin: Api,
  draft: {
    name: string;
    kind: 'agent' | 'human' | 'service';
    groups: string[];
    role?: 'reviewer' | 'auditor' | 'member' | 'admin';
    owner?: string;
    email?: string;
  },
): Promise<string> {
  const existing = (await admin.principals.list.query()).find((principal) => principal.name === draft.name);
  await admin.principals.save.mutate({ ...draft, ...(existing === undefined ? {} : { id: existing.id }) });
  // Whoever puts a policy back disables whom it does not name.
  if (existing?.disabledAt != null) await admin.principals.enable.mutate({ id: existing.id });
  const token = await admin.tokens.create.mutate({ principal: draft.name, label: 'e2e', ttlMs: 3_600_000 });
  return token.secret;
}

/**
 * Another administrator, to change the policy: nobody decides under a rule of their own. Ask before reading a policy that is put back later, or
 * putting it back takes the operator away.
 */
export async function apiAsOperator(gateway: Gateway): Promise<Api> {
  const draft = { name: 'e2e-operator', kind: 'human', role: 'admin', email: 'operator@example.com' } as const;
  return apiAs(gateway, await makePrincipal(apiAsAdmin(gateway), { ...draft, groups: ['dba'] }));
}

/** Has checkpoints signed every second and not every ten, where many are waited for. @returns the policy of before, to be put back */
export async function signEverySecond(admin: Api): Promise<string> {
  const before = (await admin.policy.export.query()).yaml;
  await admin.policy.applyYaml.mutate({ yaml: `${before}\naudit: { checkpointEvery: 1s }\n`, dryRun: false });
  return before;
}
