import { withoutRelations } from '../../proxy/hardening/maskingViews';
import { readRights, roleExists } from '../../proxy/hardening/rights';
import { readViewComments } from '../../proxy/hardening/roleFacts';
import { hardeningScript } from '../../proxy/hardening/script';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { readCatalog } from './catalog';
import { targetOf, withControl } from './control';
import { connectionUnderPolicy } from './masks';
import { type HardeningScript, hardenSchema } from './shape';

const MASKING_SCHEMA = 'gatehouse_masked';

/**
 * The SQL of an upstream role that cannot read what is masked on a connection. Only reads, and runs nothing: the script is for whoever
 * owns the database. Throws INVALID where it would come to nothing.
 */
export async function hardenConnection(call: Call, input: unknown): Promise<HardeningScript> {
  demand(call.actor, 'connections:harden');
  const { name, readOnly, revokePublic, ...chosen } = parseInput(hardenSchema, input);
  const { connection, masksIn } = await connectionUnderPolicy(call, name);
  const role = chosen.role ?? roleFor(name);
  const schema = chosen.schema ?? MASKING_SCHEMA;
  const model = chosen.model ?? connection.username;
  if (model === role)
    throw new ServiceError('INVALID', `${name} already signs in as ${role}: name the role whose rights are the model (--like ROLE)`);
  return withControl(targetOf(connection, call.secretKey), async (client) => {
    const whole = await readCatalog(call.store, connection.id, client);
    const catalog = withoutRelations(whole, new Set((await readViewComments(client)).keys()));
    const masks = masksIn(catalog);
    if (masks.length === 0)
      throw new ServiceError(
        'INVALID',
        `no masking rule in mode enforce names a column of ${name}: there is nothing to keep from the role`,
      );
    if (catalog.unreadable.length > 0)
      throw new ServiceError('UNAVAILABLE', `${catalog.unreadable.join(', ')} could not be read just now; try again`);
    if (!(await roleExists(client, model))) throw new ServiceError('INVALID', `the role ${model} does not exist in ${connection.database}`);
    const rights = await readRights(client, model);
    const { database } = connection;
    const request = { connection: name, database, catalog, masks, model: rights, role, schema, readOnly, revokePublic };
    return { role, schema, model, maskedColumns: masks.map((mask) => mask.column).sort(), sql: hardeningScript(request) };
  });
}

/** PostgreSQL would cut a longer name silently, and two connections would share a role. */
function roleFor(name: string): string {
  const role = `gatehouse_${name}`;
  if (Buffer.byteLength(role) <= 56) return role;
  throw new ServiceError('INVALID', `the name ${role} leaves no room for that of its owner: choose one with --role`);
}
