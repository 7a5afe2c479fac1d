import { createServer } from 'node:http';

interface Heard {
  method: string;
  path: string;
  token: string | null;
  body: unknown;
}

/** Answers as Vault's documents say (api-docs: KV v2, database engine, AppRole and Kubernetes login, leases, status codes). */
export async function vaultStandIn() {
  const heard: Heard[] = [];
  const state = {
    sealed: false,
    silent: false,
    tokens: new Set<string>(['root-token']),
    kv: new Map<string, Record<string, unknown>>(),
    /** Roles of the database engine. */
    creds: new Map<string, { username: string; password: string; seconds: number; maxRenewals: number }>(),
    renewals: new Map<string, number>(),
    logins: 0,
    leases: 0,
  };
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      const header = request.headers['x-vault-token'];
      const token = typeof header === 'string' ? header : null;
      const path = (request.url ?? '').replace('/v1/', '');
      const body = text === '' ? null : JSON.parse(text);
      heard.push({ method: request.method ?? '', path, token, body });
      const answer = (status: number, value: unknown) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(value));
      };
      if (state.silent) return;
      if (state.sealed) return answer(503, { errors: ['Vault is sealed'] });
      if (path === 'auth/approle/login' || path === 'auth/kubernetes/login') {
        const known = body?.secret_id === 'the-secret-id' || body?.jwt === 'the-jwt';
        if (!known) return answer(400, { errors: ['invalid role or secret ID'] });
        const made = `login-${++state.logins}`;
        state.tokens.add(made);
        return answer(200, { auth: { client_token: made, lease_duration: 3600, renewable: true } });
      }
      if (token === null || !state.tokens.has(token)) return answer(403, { errors: ['permission denied'] });
      if (path === 'sys/leases/renew') {
        const left = state.renewals.get(body.lease_id) ?? 0;
        if (left === 0) return answer(400, { errors: ['lease not found or is not renewable'] });
        state.renewals.set(body.lease_id, left - 1);
        return answer(200, { lease_id: body.lease_id, lease_duration: body.increment, renewable: left > 1 });
      }
      const secret = state.kv.get(path);
      if (secret !== undefined)
        return answer(200, { lease_id: '', lease_duration: 0, renewable: false, data: { data: secret, metadata: { version: 3 } } });
      const role = state.creds.get(path.replace('database/creds/', ''));
      if (role === undefined) return answer(404, { errors: [] });
      const lease = `${path}/${++state.leases}`;
      state.renewals.set(lease, role.maxRenewals);
      return answer(200, {
        lease_id: lease,
        lease_duration: role.seconds,
        renewable: true,
        data: { username: role.username, password: role.password },
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    state,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
