import { beforeAll, expect, test } from 'vitest';
import { eventually } from '../clients';
import { fieldsOf, frame, int32, type Message } from '../wireClient';
import { peers, SECRET } from './peers';

/** Where FunctionCall is judged: its value is masked, counted and recorded as the row of a SELECT is. */

const CALLED = 'traps-called';
const p = peers({
  connections: { [CALLED]: { functionCall: 'judge', record: { results: 'masked' } } },
  rules: [],
  masking: [
    {
      ...{ name: 'traps-called-ssn', connections: [CALLED], columns: ['public.people.ssn'], mask: { type: 'redact' } },
      ...{ inference: 'guarded', mode: 'enforce' },
    },
    { name: 'traps-called-content', connections: [CALLED], detect: ['email'], mask: { type: 'redact' }, mode: 'enforce' },
  ],
});
const oids = new Map<string, number>();
beforeAll(async () => {
  await p.root.query(`SET ROLE traps_app;
    CREATE FUNCTION called_sum(a int, b int) RETURNS int IMMUTABLE LANGUAGE sql RETURN a + b;
    CREATE FUNCTION called_ssn(which int) RETURNS text STABLE LANGUAGE sql AS 'SELECT ssn FROM public.people WHERE id = which';
    CREATE FUNCTION called_mail(which int) RETURNS text STABLE LANGUAGE sql AS $$SELECT 'person' || which || '@example.com'$$;
    CREATE FUNCTION called_any(a anyelement) RETURNS anyelement IMMUTABLE LANGUAGE sql AS 'SELECT a';
    CREATE FUNCTION called_fails(a int) RETURNS int IMMUTABLE LANGUAGE sql RETURN 1 / (a - a);
    RESET ROLE`);
  const { rows } = await p.root.query("SELECT proname, oid::int FROM pg_proc WHERE proname LIKE 'called\\_%'");
  for (const { proname, oid } of rows) oids.set(proname, oid);
});

const int16 = (value: number) => int32(value).subarray(2);
/** Arguments in text, the result in this format. */
const call = (name: string, args: readonly string[], format = 0) =>
  frame(
    'F',
    int32(oids.get(name) ?? 0),
    int16(0),
    int16(args.length),
    ...args.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)]),
    int16(format),
  );
async function answerTo(bytes: Buffer): Promise<Message[]> {
  const client = await p.gateway(CALLED);
  client.send(bytes);
  return client.until('Z');
}
/** The value of a FunctionCallResponse. */
const shownBy = (answer: readonly Message[]): Buffer | undefined => answer.find(({ type }) => type === 'V')?.body.subarray(4);

/** The newest call of the function in the record, once it has an outcome, with the rows that were shown. */
async function recorded(name: string) {
  const statement = await eventually(`${name} in the record`, async () =>
    (await p.recorded(`public.${name}(`)).find(({ protocol, status }) => protocol === 'function call' && status !== 'running'),
  );
  return { statement, results: await p.admin.audit.results.query({ statementId: statement.id }) };
}

test.each([
  ['text', 0, Buffer.from('42'), 2],
  ['binary', 1, int32(42), 4],
])('a value in %s leaves as it came, and is recorded with its rows and bytes', async (_format, format, value, size) => {
  expect(shownBy(await answerTo(call('called_sum', ['40', '2'], format)))).toEqual(value);
  const { statement, results } = await eventually('this call', async () => {
    const found = await recorded('called_sum');
    return found.statement.bytes === size + 6 ? found : undefined;
  });
  expect(statement).toMatchObject({ status: 'done', rows: 1, sqlstate: null, kind: 'SELECT', maskedColumns: [] });
  expect(statement.parameters.map((one) => one.value)).toEqual(['40', '2']);
  expect(results).toMatchObject({ columns: [{ name: 'called_sum', typeOid: 23 }], rows: [['42']], truncated: false });
});

test('a masked column behind a function leaves masked, and the record says so', async () => {
  const answer = await answerTo(call('called_ssn', ['3']));
  expect(String(shownBy(answer))).toBe('***');
  const { statement, results } = await recorded('called_ssn');
  expect(statement).toMatchObject({ status: 'done', rows: 1, bytes: 9, maskedColumns: ['public.people.ssn'] });
  expect(results).toMatchObject({ rows: [['***']] });
  expect(JSON.stringify([statement, results])).not.toMatch(SECRET);
});

test('rules about content look into it; where its type depends on the arguments it is refused', async () => {
  expect(String(shownBy(await answerTo(call('called_mail', ['3']))))).toBe('***');
  const { statement } = await recorded('called_mail');
  expect(statement.detected).toMatchObject([{ rule: 'traps-called-content', detector: 'email', cells: 1 }]);
  const [error] = await answerTo(call('called_any', ['person@example.com']));
  expect(error && fieldsOf(error)).toMatchObject({ C: '42501', M: 'function call protocol is not allowed for this function' });
});

test('a call that fails has its SQLSTATE and no rows', async () => {
  const [error] = await answerTo(call('called_fails', ['1']));
  expect(error && fieldsOf(error)).toMatchObject({ C: '22012' });
  const { statement, results } = await recorded('called_fails');
  expect(statement).toMatchObject({ status: 'failed', rows: 0, bytes: 0, sqlstate: '22012' });
  expect(results).toBeNull();
});
