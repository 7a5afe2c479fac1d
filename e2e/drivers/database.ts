import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { apiAsAdmin, apiAsOperator } from '../api';
import { directSettings, open } from '../clients';
import type { Gateway } from '../gateway';
import type { Target } from './target';

interface DriversDatabase {
  direct: Target;
  through: Target;
  /** Names of the columns of the table `samples` after its key: a type each. */
  types: string[];
  remove(): Promise<void>;
}

/** What is read of an exported policy. */
interface Policy {
  connections: { name: string; [field: string]: unknown }[];
  groups: string[];
  principals: { name: string; [field: string]: unknown }[];
  access: { groups: string[]; [field: string]: unknown }[];
  [section: string]: unknown;
}

/** The role, the principal, the database and the connection; one word for all. */
const NAME = 'drivers';

/**
 * Makes a database of its own in the embedded cluster, owned by a plain role, and a policy under which nothing is refused.
 * The policy and the database are put back by `remove`.
 */
export async function makeDriversDatabase(gateway: Gateway): Promise<DriversDatabase> {
  const admin = apiAsAdmin(gateway);
  // The rules that hold statements are changed by somebody who does not decide.
  const operator = await apiAsOperator(gateway);
  const before = withoutOurs((await admin.policy.export.query()).yaml);
  const password = randomBytes(18).toString('base64url');
  await removeDatabase(gateway);
  await asSuperuser(gateway, `CREATE ROLE ${NAME} LOGIN PASSWORD '${password}'`, `CREATE DATABASE ${NAME} OWNER ${NAME}`);
  const around = directSettings(gateway, NAME);
  const direct: Target = { host: around.host, port: around.port, database: NAME, user: NAME, password, tls: false };
  const types = await fill(direct);
  await operator.policy.applyYaml.mutate({ yaml: stringify(allowAll(before, direct)), dryRun: false });
  const { secret } = await admin.tokens.create.mutate({ principal: NAME, label: 'e2e', ttlMs: 3_600_000 });
  const through: Target = { ...direct, port: gateway.proxyPort, password: secret };
  const remove = async () => {
    await operator.policy.applyYaml.mutate({ yaml: stringify(before), dryRun: false });
    await removeDatabase(gateway);
  };
  return { direct, through, types, remove };
}

async function fill(target: Target): Promise<string[]> {
  const client = await open({ ...target });
  await client.query(readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8'));
  const { rows } = await client.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'samples'::regclass AND attnum > 1 ORDER BY attnum",
  );
  await client.end();
  return rows.map((row) => row.name);
}

/** The policy with this connection alone under no rule and no mask; what the others reach stays, since sessions may be open. */
function allowAll(policy: Policy, upstream: Target): Policy {
  return {
    ...policy,
    connections: [
      ...policy.connections,
      {
        name: NAME,
        host: upstream.host,
        port: upstream.port,
        database: upstream.database,
        username: upstream.user,
        password: upstream.password,
        tls: 'disable',
        default: 'allow',
        opaque: 'allow',
        functionCall: 'judge',
      },
    ],
    groups: [...policy.groups, NAME],
    principals: [...policy.principals, { name: NAME, kind: 'service', groups: [NAME] }],
    access: [...policy.access, { connections: [NAME], groups: [NAME] }],
    masking: [],
    rules: [],
  };
}

/** A run that was cut short may have left its own. */
function withoutOurs(yaml: string): Policy {
  const policy = parse(yaml) as Policy;
  return {
    ...policy,
    connections: policy.connections.filter((connection) => connection.name !== NAME),
    groups: policy.groups.filter((group) => group !== NAME),
    principals: policy.principals.filter((principal) => principal.name !== NAME),
    access: policy.access.filter((grant) => !grant.groups.includes(NAME)),
  };
}

async function removeDatabase(gateway: Gateway): Promise<void> {
  await asSuperuser(gateway, `DROP DATABASE IF EXISTS ${NAME} WITH (FORCE)`, `DROP ROLE IF EXISTS ${NAME}`);
}

async function asSuperuser(gateway: Gateway, ...statements: string[]): Promise<void> {
  const client = await open(directSettings(gateway));
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** What a port says to an SSLRequest (protocol documentation, "SSL Session Encryption"): S when it speaks TLS, else N. */
export async function answerToSslRequest(host: string, port: number): Promise<string> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('latin1', 0, 1);
  } finally {
    socket.destroy();
  }
}
