import fc from 'fast-check';
import { serialize } from 'pg-protocol';

/** One message of a client, as a value that a counterexample can show; `cancel` is a CancelRequest beside it. */
export type Op =
  | { op: 'query'; sql: string }
  | { op: 'parse'; name: string; sql: string }
  | { op: 'bind'; portal: string; name: string; values: readonly (string | null)[]; binary: boolean }
  | { op: 'describe' | 'close'; type: 'S' | 'P'; name: string }
  | { op: 'execute'; portal: string; rows: number }
  | { op: 'copyData'; data: string }
  | { op: 'flush' | 'sync' | 'copyDone' | 'copyFail' | 'call' | 'terminate' | 'cancel' };

/** The bytes of it; null for what is no message. */
export function encode(op: Op): Buffer | null {
  switch (op.op) {
    case 'query':
      return serialize.query(written(op.sql));
    case 'parse':
      return serialize.parse({ name: op.name, text: written(op.sql) });
    case 'bind':
      return serialize.bind({
        portal: op.portal,
        statement: op.name,
        values: op.values.map((value) => (op.binary && value !== null ? Buffer.from(value) : value)),
      });
    case 'describe':
      return serialize.describe({ type: op.type, name: op.name });
    case 'close':
      return serialize.close({ type: op.type, name: op.name });
    case 'execute':
      return serialize.execute({ portal: op.portal, rows: op.rows });
    case 'copyData':
      return serialize.copyData(Buffer.from(op.data));
    case 'flush':
      return serialize.flush();
    case 'sync':
      return serialize.sync();
    case 'copyDone':
      return serialize.copyDone();
    case 'copyFail':
      return serialize.copyFail('enough');
    case 'call':
      return Buffer.from('460000000e00000325000000000000', 'hex');
    case 'terminate':
      return serialize.end();
    case 'cancel':
      return null;
    default:
      return op satisfies never;
  }
}

/** Too large for the gateway, short in a counterexample. */
const written = (sql: string) => sql.replace('LARGE', 'x'.repeat(3_000));

const PLAIN = [
  'select 1',
  'select 3',
  'select 0',
  'select 2 ssn',
  'select 2 $1',
  'fail',
  'fail ssn',
  'missing',
  'write',
  'defer',
  'begin',
  'commit',
  'rollback',
  '',
  'SYNTAX',
  'copyout',
  'select 1 unseen',
];
const NAMING = [
  'prepare a as select 2',
  'prepare b as fail',
  'prepare a as select 3 ssn',
  'deallocate a',
  'deallocate b',
  'deallocate all',
  'discard all',
];
const EXECUTING = ['execute a', 'execute b', 'prepare b as select 1; execute b'];
const JUDGED = [
  'select 1 deny',
  'begin deny',
  'NEWER',
  'select 2 hold approve',
  'select 2 ssn hold approve',
  'select 2 hold approve $1',
  'fail hold approve',
  'begin hold approve',
  'write hold reject',
  'select 1 hold withdraw',
  'prepare a as select 1 deny',
  'prepare b as select 3 hold approve',
  'prepare a as select 1 hold reject',
];

const LIMITED = [
  ...['write limit 5', 'write limit 5 many', 'select 2 limit 5', 'select 2 ssn limit 5', 'fail limit 5', 'missing limit 5'],
  ...['write limit 5; write', 'write; write limit 5 many; write', 'select 3; write limit 5; select 1 ssn', 'write limit 5 many; select 1'],
  ...['begin; write limit 5', 'write limit 5; commit', 'rollback; write limit 5', 'begin; write limit 5; commit; write limit 5 many'],
  ...['defer; write limit 5', 'write limit 5; defer', 'discard all; write limit 5', 'write limit 5; discard all', 'fail; write limit 5'],
  ...['prepare c as write limit 5 many', 'execute c', 'prepare d as write limit 5', 'execute d', 'copyout; write limit 5'],
];

export interface ProgramKind {
  /** What some statements change is counted. */
  limited?: true;
  /** Texts are denied and held as well. */
  judged: boolean;
  /** With cancels that come when they come, and Terminate: both would withdraw what is held, or not, as the moment has it. */
  leaves: boolean;
}

/** Programs of blocks, each of them a few messages that belong together or one that does not. */
export function programs({ judged, leaves, limited }: ProgramKind, maxBlocks: number): fc.Arbitrary<Op[]> {
  const single = fc.constantFrom(...PLAIN, ...NAMING, ...(judged ? [...JUDGED, ...JUDGED] : []));
  const counted = limited === undefined ? [] : [{ weight: 6, arbitrary: fc.constantFrom(...LIMITED) }];
  const countedAlone = LIMITED.filter((one) => !one.includes(';'));
  const text = fc.oneof(
    ...counted,
    { weight: 6, arbitrary: single },
    { weight: 1, arbitrary: fc.constantFrom(...EXECUTING) },
    { weight: 1, arbitrary: fc.array(single, { minLength: 2, maxLength: 3 }).map((texts) => texts.filter((t) => t !== '').join('; ')) },
    ...(judged ? [{ weight: 1, arbitrary: fc.constant('select 1 LARGE') }] : []),
  );
  const prepared = judged
    ? fc.oneof({ weight: 8, arbitrary: single }, fc.constantFrom('execute a', 'execute b'))
    : limited === undefined
      ? single
      : fc.oneof(single, fc.constantFrom(...countedAlone));
  const name = fc.constantFrom('', 'a', 'b');
  const portal = fc.constantFrom('', 'p');
  const values = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(fc.option(fc.constantFrom('1', 'x')), { maxLength: 2 }));
  const rows = fc.constantFrom(0, 0, 1, 2);
  const target = fc.constantFrom('S' as const, 'P' as const);
  const sync: Op = { op: 'sync' };

  const message: fc.Arbitrary<Op> = fc.oneof(
    fc.record({ op: fc.constant('query' as const), sql: text }),
    fc.record({ op: fc.constant('parse' as const), name, sql: prepared }),
    fc.record({ op: fc.constant('bind' as const), portal, name, values, binary: fc.boolean() }),
    fc.record({ op: fc.constantFrom('describe' as const, 'close' as const), type: target, name: fc.constantFrom('', 'a', 'p') }),
    fc.record({ op: fc.constant('execute' as const), portal, rows }),
    fc.constant(sync),
    fc.constantFrom<Op[]>({ op: 'flush' }, { op: 'copyDone' }, { op: 'copyFail' }, { op: 'copyData', data: 'stray' }, { op: 'call' }),
  );

  const run = fc
    .record({
      name,
      portal,
      sql: prepared,
      value: fc.constantFrom('1', null),
      binary: fc.boolean(),
      rows,
      describe: fc.boolean(),
      again: fc.boolean(),
      ends: fc.boolean(),
    })
    .map((r): Op[] => [
      { op: 'parse', name: r.name, sql: r.sql },
      { op: 'bind', portal: r.portal, name: r.name, values: r.sql.includes('$1') ? [r.value] : [], binary: r.binary },
      ...(r.describe ? [{ op: 'describe' as const, type: 'P' as const, name: r.portal }] : []),
      { op: 'execute', portal: r.portal, rows: r.rows },
      ...(r.again ? [{ op: 'execute' as const, portal: r.portal, rows: r.rows }] : []),
      ...(r.ends ? [sync] : []),
    ]);

  const reuse = fc
    .record({ name, portal, rows, ends: fc.boolean() })
    .map((r): Op[] => [
      { op: 'bind', portal: r.portal, name: r.name, values: [], binary: false },
      { op: 'execute', portal: r.portal, rows: r.rows },
      ...(r.ends ? [sync] : []),
    ]);

  const copy = fc
    .record({
      sql: fc.constantFrom('copyin', 'select 1; copyin; select 2', ...(judged ? ['copyin hold approve', 'copyin deny'] : [])),
      extended: fc.boolean(),
      lines: fc.array(fc.constantFrom('1\n', '2\n', 'bad\n', 'x'.repeat(300)), { maxLength: 4 }),
      ending: fc.constantFrom<Op[]>({ op: 'copyDone' }, { op: 'copyDone' }, { op: 'copyFail' }),
    })
    .map(({ sql, extended, lines, ending }): Op[] => {
      const data = lines.map((line): Op => ({ op: 'copyData', data: line }));
      if (!extended || sql.includes(';')) return [{ op: 'query', sql }, ...data, ending];
      return [
        { op: 'parse', name: '', sql },
        { op: 'bind', portal: '', name: '', values: [], binary: false },
        { op: 'execute', portal: '', rows: 0 },
        ...data,
        ending,
        sync,
      ];
    });

  const block = fc.oneof(
    { weight: 5, arbitrary: message.map((op): Op[] => [op]) },
    { weight: 4, arbitrary: run },
    { weight: 2, arbitrary: reuse },
    { weight: 1, arbitrary: copy },
    ...(leaves ? [{ weight: 1, arbitrary: fc.constantFrom<Op[]>([{ op: 'cancel' }], [{ op: 'cancel' }], [{ op: 'terminate' }]) }] : []),
  );
  return fc.array(block, { minLength: 1, maxLength: maxBlocks, size: 'max' }).map((list) => [...list.flat(), sync]);
}
