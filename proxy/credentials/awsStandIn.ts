import { createServer } from 'node:http';

interface Heard {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: URLSearchParams;
}

/** STS, a container agent and an instance's metadata service, as Amazon's documents have their answers. */
export async function awsStandIn() {
  const heard: Heard[] = [];
  const state = { expiresAt: '2026-11-26T13:00:00Z', made: 0, silent: false, role: 'gatehouse-role', refuse: '' };
  const session = 'metadata-session';
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      heard.push({ method: request.method ?? '', path, headers: request.headers, body: new URLSearchParams(text) });
      if (state.silent) return;
      const answer = (status: number, body: string) => {
        response.writeHead(status);
        response.end(body);
      };
      const made = () => {
        const n = ++state.made;
        return { AccessKeyId: `ASIA${n}`, SecretAccessKey: `secret-${n}`, Token: `session-${n}`, Expiration: state.expiresAt };
      };
      if (state.refuse !== '')
        return answer(
          400,
          `<ErrorResponse><Error><Type>Sender</Type><Code>${state.refuse}</Code><Message>no</Message></Error></ErrorResponse>`,
        );
      if (path === '/sts') {
        const { AccessKeyId, SecretAccessKey, Token, Expiration } = made();
        const credentials = `<SessionToken>${Token}</SessionToken><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><Expiration>${Expiration}</Expiration><AccessKeyId>${AccessKeyId}</AccessKeyId>`;
        return answer(
          200,
          `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        );
      }
      if (path === '/agent') return answer(request.headers.authorization === 'agent-token' ? 200 : 401, JSON.stringify(made()));
      if (path === '/latest/api/token') {
        const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds'];
        return request.method === 'PUT' && ttl !== undefined ? answer(200, session) : answer(400, '');
      }
      // Version 1, without a session, is refused.
      if (request.headers['x-aws-ec2-metadata-token'] !== session) return answer(401, '');
      if (path === '/latest/meta-data/iam/security-credentials/') return answer(state.role === '' ? 404 : 200, state.role);
      if (path === `/latest/meta-data/iam/security-credentials/${state.role}`)
        return answer(200, JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...made() }));
      answer(404, '');
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
