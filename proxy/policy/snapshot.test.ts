import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { access, connections, maskingRules, policyState, rules } from '../../db/schema/policy';
import { type OpenStore, openStore } from '../../db/store';
import { loadPolicy } from './snapshot';

let database: TestDatabase;
let open: OpenStore;

beforeAll(async () => {
  database = await withPostgres();
  await migrateStore(database.url);
  open = openStore(database.url, { max: 2, applicationName: 'test' });
}, 60_000);

afterAll(async () => {
  await open.close();
  await database.drop();
});

describe('loadPolicy', () => {
  it('reads the whole policy in order, by connection name, frozen', async () => {
    const { store } = open;
    await store
      .insert(policyState)
      .values({ id: 1, version: 7 })
      .onConflictDoUpdate({ target: policyState.id, set: { version: 7 } });
    await store
      .insert(connections)
      .values({ id: 'con_1', name: 'shop', host: 'h', port: 5432, database: 'd', username: 'u', opaqueAction: 'deny' });
    await store.insert(access).values({ id: 'acc_1', position: 0, connections: ['shop'], groups: ['agents'] });
    await store.insert(rules).values([
      { id: 'rul_2', position: 1, name: 'second', connections: [], groups: [], match: { statements: ['DELETE'] }, action: 'hold' },
      { id: 'rul_1', position: 0, name: 'first', connections: [], groups: [], match: {}, action: 'allow', mode: 'observe' },
    ]);
    await store.insert(maskingRules).values({
      id: 'msk_1',
      position: 0,
      name: 'pii',
      connections: ['*'],
      columns: ['public.people.ssn'],
      detect: [],
      mask: { type: 'redact' },
      exceptGroups: [],
    });
    const policy = await loadPolicy(store);
    expect(policy.version).toBe(7);
    expect(policy.connections.get('shop')).toMatchObject({ id: 'con_1', default: 'allow', opaque: 'deny', superuser: 'refuse' });
    expect(policy.access).toEqual([{ connections: ['shop'], groups: ['agents'] }]);
    expect(policy.rules.map((rule) => [rule.name, rule.mode, rule.approval])).toEqual([
      ['first', 'observe', null],
      ['second', 'enforce', null],
    ]);
    expect(policy.masking[0]).toMatchObject({ name: 'pii', inference: 'guarded', mode: 'enforce' });
    expect(Object.isFrozen(policy) && Object.isFrozen(policy.rules) && Object.isFrozen(policy.rules[0])).toBe(true);
  });
});
