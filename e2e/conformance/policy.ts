import { writeFileSync } from 'node:fs';
import { gatehouse } from '../cli';
import type { Gateway } from '../gateway';
import { type Cluster, DATABASE } from './cluster';

/** Everything is allowed: what still differs from PostgreSQL is the gateway's own doing. */
const ALLOW_ALL = `version: 1
connections:
  - name: ${DATABASE}
    host: 127.0.0.1
    port: \${REGRESSION_PORT}
    database: ${DATABASE}
    username: postgres
    password: \${REGRESSION_PASSWORD}
    tls: disable
    default: allow
    opaque: allow
    superuser: allow
    functionCall: judge
groups: [testers]
principals:
  - { name: admin, kind: human, role: admin }
  - { name: postgres, kind: service, groups: [testers] }
access:
  - { connections: [${DATABASE}], groups: [testers] }
`;

/** Points a running gateway at the cluster; resolves with the access token of the principal `postgres`. */
export async function allowAll(gateway: Gateway, cluster: Cluster, policyFile: string): Promise<string> {
  writeFileSync(policyFile, ALLOW_ALL);
  await run(gateway, ['apply', policyFile], { REGRESSION_PORT: String(cluster.port), REGRESSION_PASSWORD: cluster.password });
  return (await run(gateway, ['token', 'create', '--principal', 'postgres', '--label', 'conformance', '--ttl', '1d'], {})).trim();
}

async function run(gateway: Gateway, args: string[], env: Record<string, string>): Promise<string> {
  const { stdout, stderr, code } = await gatehouse(gateway, args, env);
  if (code !== 0) throw new Error(`gatehouse ${args[0]} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}
