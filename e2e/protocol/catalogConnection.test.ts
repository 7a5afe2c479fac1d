import { beforeAll, expect, test } from 'vitest';
import { cellsOf, simpleQuery } from '../wireClient';
import { ask, letters, MASKED, OPEN, peers, play, RULED, SECRET, signIn, words } from './peers';

const p = peers();

/** A schema that puts false catalogs in front of the real ones: no row, so nothing would be masked by them. */
beforeAll(async () => {
  const FALSE_CATALOGS = ['pg_class', 'pg_attribute', 'pg_namespace', 'pg_proc', 'pg_type', 'pg_depend', 'pg_inherits', 'pg_roles'];
  // A view cannot have all columns of pg_attribute: one is of a pseudo-type.
  const columns = (name: string) => (name === 'pg_attribute' ? 'attrelid, attname, atttypid, attnum, attisdropped, attgenerated' : '*');
  const views = FALSE_CATALOGS.map(
    (name) => `CREATE VIEW liar.${name} AS SELECT ${columns(name)} FROM pg_catalog.${name} WHERE false`,
  ).join(';');
  await p.root.query(`SET ROLE traps_app; CREATE SCHEMA liar; ${views}; RESET ROLE`);
});

const read = async (parameters: Record<string, string>) => {
  const client = await signIn({ ...p.settings(MASKED), parameters }).catch((error: Error & { code?: string }) => error);
  if (client instanceof Error) return client.code;
  const answer = await play(client, [
    simpleQuery('SELECT ssn FROM public.people WHERE id = 1'),
    simpleQuery('SELECT * FROM people WHERE id = 2'),
  ]);
  client.close();
  expect(words(answer).join()).not.toMatch(SECRET);
  return answer.filter(({ type }) => type === 'D').map(cellsOf);
};

test.each([
  ['search_path', { search_path: 'liar, pg_catalog, public' }],
  ['search_path in options', { options: '-c search_path=liar,pg_catalog,public' }],
  ['an empty search_path', { options: '-c search_path=' }],
  [
    'DateStyle and its like',
    { options: '-c datestyle=German,DMY -c intervalstyle=iso_8601 -c extra_float_digits=-15 -c bytea_output=escape' },
  ],
  ['a short statement_timeout', { options: '-c statement_timeout=1' }],
  ['a short lock_timeout', { options: '-c lock_timeout=1 -c idle_session_timeout=60000' }],
  ['planner settings', { options: '-c geqo=off -c jit=off -c plan_cache_mode=force_generic_plan -c work_mem=64' }],
  ['read only', { options: '-c default_transaction_read_only=on -c default_transaction_isolation=serializable' }],
])('trap-10-start-up-settings-never-reach-the-catalog: %s', async (_name, parameters) => {
  // The value is masked or the statement refused; in no case read by what the client brought along.
  const seen = await read(parameters as unknown as Record<string, string>);
  if (Array.isArray(seen)) for (const row of seen) expect(row.join()).not.toMatch(/\d{3}-\d\d-\d{4}/);
  else expect(seen).toBe('0A000');
});

test.each([
  'role=traps_app',
  'session_authorization=traps_app',
  'row_security=off',
  'session_preload_libraries=auto_explain',
  'session_replication_role=replica',
  'log_statement=all',
  'quote_all_identifiers=on',
  'backslash_quote=on',
  'escape_string_warning=off',
  'transform_null_equals=on',
  'array_nulls=off',
])('trap-10-settings-that-change-meaning-are-refused: %s', async (setting) => {
  const [name = '', value = ''] = setting.split('=');
  for (const parameters of [{ [name]: value }, { options: `-c ${setting}` }])
    await expect(signIn({ ...p.settings(OPEN), parameters })).rejects.toMatchObject({ code: '0A000' });
});

test('trap-10-what-the-server-gives-its-role: a default of the role moves no catalog query either', async () => {
  try {
    await p.root.query('ALTER ROLE traps_app SET search_path = liar, pg_catalog, public');
    // A connection whose catalog was not read yet by this role's new default, and one that keeps reading it.
    expect(await read({})).not.toContainEqual([expect.stringMatching(SECRET)]);
    await p.root.query('CREATE VIEW public.fresh AS SELECT ssn FROM public.people; GRANT SELECT ON public.fresh TO traps_app');
    await expect
      .poll(async () => letters(await ask(await p.gateway(MASKED), 'SELECT ssn FROM public.fresh LIMIT 1')), { timeout: 15_000 })
      .toMatch(/^(?:TDCZ|EZ)$/);
    const answer = await ask(await p.gateway(MASKED), 'SELECT ssn FROM public.fresh');
    expect(words(answer).join()).not.toMatch(SECRET);
  } finally {
    await p.root.query('ALTER ROLE traps_app RESET ALL');
  }
});

test('trap-10-own-connection: the catalog is read beside the session, not on it', async () => {
  const client = await p.gateway(RULED);
  await ask(client, "SET application_name = 'traps-own'");
  const { rows } = await p.root.query(
    "SELECT application_name, query FROM pg_stat_activity WHERE datname = 'traps' AND usename = 'traps_app'",
  );
  const own = rows.filter((row) => row.application_name === 'traps-own');
  expect(own.map(({ query }) => query)).toEqual(["SET application_name = 'traps-own'"]);
  expect(rows.map((row) => row.application_name)).toContain('gatehouse catalog');
});
