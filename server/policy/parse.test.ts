import { describe, expect, test } from 'vitest';
import { parsePolicy } from './parse';
import { SAMPLE } from './sample';

const issues = (yaml: string, env: Record<string, string> = {}) => {
  const parsed = parsePolicy(yaml, env);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${issue.line}:${issue.column} ${issue.path} ${issue.message}`);
};

describe('the sample', () => {
  test('reads, with durations in milliseconds and defaults filled in', () => {
    const parsed = parsePolicy(SAMPLE, { SHOP_PASSWORD: 's' });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    const { document } = parsed;
    expect(document.connections[0]).toMatchObject({ password: 's', tls: 'verify-full', limits: { statementTimeoutMs: 30_000 } });
    expect(document.rules.find((rule) => rule.name === 'review-deletes')?.approval).toEqual({
      groups: ['dba'],
      count: 1,
      expiresInMs: 900_000,
    });
    expect(document.rules.find((rule) => rule.name === 'review-mass-writes')).toMatchObject({
      connections: [],
      groups: [],
      mode: 'enforce',
    });
    expect(document.masking[1]).toMatchObject({ columns: [], inference: 'guarded', mode: 'enforce' });
  });
});

test('what an approval says of COMMIT, dry runs and tolerance; nothing where nothing is said', () => {
  const approvalOf = (text: string) => {
    const parsed = parsePolicy(`version: 1\nrules:\n  - name: r\n    action: hold\n    match: { sql: x }\n    approval: ${text}\n`, {});
    return parsed.ok ? parsed.document.rules[0]?.approval : parsed.issues.map(({ path, message }) => `${path} ${message}`);
  };
  const base = { groups: [], count: 1, expiresInMs: 900_000 };
  expect(approvalOf('{ at: commit, dryRun: true, tolerance: "10%" }')).toEqual({
    ...base,
    at: 'commit',
    dryRun: true,
    tolerance: { percent: 10 },
  });
  expect(approvalOf('{ tolerance: 5 }')).toEqual({ ...base, tolerance: { rows: 5 } });
  expect(approvalOf('{ passkey: required }')).toEqual({ ...base, passkey: 'required' });
  expect(approvalOf('{ passkey: never }')).toEqual(['rules[0].approval.passkey required, or left out']);
  expect(approvalOf('{ count: 1 }')).toEqual(base);
  expect(approvalOf('{ tolerance: "ten" }')).toEqual(['rules[0].approval.tolerance rows, or a share such as "10%"']);
  expect(approvalOf('{ at: never }')).toHaveLength(1);
});

const rule = (body: string) => `version: 1\nrules:\n  - name: r\n    action: deny\n${body}`;

/** document → every error, as line:column field message */
const ERRORS: [string, string, string[]][] = [
  ['a wrong version', 'version: 2', ['1:10 version this gateway reads version 1']],
  ['no version', 'groups: [a]', ['1:1 version this gateway reads version 1']],
  ['an empty file', '', ['1:1 version this gateway reads version 1']],
  ['broken YAML', 'version: 1\ngroups: [a', ['2:11  Flow sequence in block collection must be sufficiently indented and end with a ]']],
  ['an unknown field', 'version: 1\nmaskings: []', ['2:1 maskings unknown field maskings']],
  ['an unknown field deep inside', rule('    match: { sql: x, table: [a.b] }'), ['5:22 rules[0].match.table unknown field table']],
  [
    'a missing field',
    'version: 1\nprincipals:\n  - name: a',
    ['3:5 principals[0].kind Invalid option: expected one of "human"|"agent"|"service"'],
  ],
  [
    'several errors at once',
    'version: 1\nconnections:\n  - name: a b\n    host: h\n    database: d\n    username: u\n    tls: maybe',
    [
      '3:11 connections[0].name letters, digits, and _ . @ - after the first character',
      '7:10 connections[0].tls Invalid option: expected one of "disable"|"prefer"|"require"|"verify-ca"|"verify-full"',
    ],
  ],
  [
    'a duration without unit',
    'version: 1\nconnections: [{ name: a, host: h, database: d, username: u, limits: { statementTimeout: "30" } }]',
    ['2:89 connections[0].limits.statementTimeout a duration, e.g. 30s, 15m or 1h'],
  ],
  [
    'an unknown command word',
    rule('    match: { statements: [DELET] }'),
    ['5:27 rules[0].match.statements[0] not a command word of PostgreSQL, e.g. DELETE, DROP TABLE, COPY PROGRAM'],
  ],
  ['an unknown effect', rule('    match: { effects: [explode] }'), ['5:24 rules[0].match.effects[0] Invalid option: expected one of']],
  ['a regular expression that does not compile', rule('    match: { sql: "(" }'), ['5:19 rules[0].match.sql error parsing regexp']],
  ['a pattern that RE2 does not have', rule('    match: { sql: "(?=x)" }'), ['5:19 rules[0].match.sql error parsing regexp']],
  [
    'boundedBy without unbounded',
    rule('    match: { boundedBy: index }'),
    ['5:25 rules[0].match.boundedBy boundedBy says what unbounded means: give unbounded as well'],
  ],
  [
    'bounded by something else',
    rule('    match: { unbounded: true, boundedBy: luck }'),
    ['5:42 rules[0].match.boundedBy Invalid option: expected one of "key"|"index"'],
  ],
  [
    'a rule without conditions',
    rule('    match: {}'),
    ['5:12 rules[0].match a rule without conditions would match every statement: name at least one'],
  ],
  [
    'an approval on a rule that denies',
    rule('    match: { sql: x }\n    approval: { count: 1 }'),
    ['6:15 rules[0].approval only a rule whose action is hold has an approval'],
  ],
  [
    'a table with too many parts',
    rule('    match: { tables: [a.b.c] }'),
    ['5:23 rules[0].match.tables[0] tables are written schema.table, e.g. "public.*"'],
  ],
  [
    'a time of day',
    rule('    match: { hours: { from: "25:00", to: "06:00" } }'),
    ['5:29 rules[0].match.hours.from a time of day, e.g. "09:00"'],
  ],
  [
    'an unknown group that would give access',
    'version: 1\nconnections:\n  - name: c\n    host: h\n    database: d\n    username: u\n    requestable: { groups: [ghosts], maxDuration: 1h }',
    ['7:29 connections[0].requestable.groups[0] unknown group ghosts'],
  ],
  [
    'access on request without an end',
    'version: 1\nconnections:\n  - name: c\n    host: h\n    database: d\n    username: u\n    requestable: { groups: [] }',
    ['7:18 connections[0].requestable.maxDuration is missing'],
  ],
  [
    'two people who are one in Slack',
    'version: 1\nprincipals:\n  - { name: a, kind: human, slackUserId: U024BE7LH }\n  - { name: b, kind: human, slackUserId: U024BE7LH }',
    ['4:42 principals[1].slackUserId Slack member ID U024BE7LH is given twice'],
  ],
  ['an unknown group', rule('    match: { sql: x }\n    groups: [ghosts]'), ['6:14 rules[0].groups[0] unknown group ghosts']],
  [
    'an unknown connection',
    rule('    match: { sql: x }\n    connections: [nowhere]'),
    ['6:19 rules[0].connections[0] unknown connection nowhere'],
  ],
  ['a name given twice', 'version: 1\ngroups: [a, a]', ['2:13 groups[1] group a is given twice']],
  [
    'an unknown owner',
    'version: 1\nprincipals:\n  - { name: bot, kind: agent, owner: ana }',
    ['3:38 principals[0].owner unknown principal ana'],
  ],
  [
    'an owner that is no person',
    'version: 1\nprincipals:\n  - { name: bot, kind: agent, owner: bot }',
    ['3:38 principals[0].owner bot is not a person: an owner answers for an agent'],
  ],
  [
    'a mask without its options',
    'version: 1\nmasking:\n  - { name: m, columns: [a.b.c], mask: { type: partial } }',
    ['3:40 masking[0].mask partial needs keepFirst or keepLast'],
  ],
  [
    'an unknown mask',
    'version: 1\nmasking:\n  - { name: m, columns: [a.b.c], mask: { type: blur } }',
    ['3:48 masking[0].mask.type Invalid'],
  ],
  ['a key given twice', 'version: 1\nversion: 1', ['2:1  Map keys must be unique']],
  ['a second document', 'version: 1\n---\nversion: 1', ['2:1  Source contains multiple documents']],
  [
    'an alias bomb',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}`,
    ['1:1  the document repeats itself through aliases too often'],
  ],
];

describe('errors name line, column and field', () => {
  test.each(ERRORS)('%s', (_name, yaml, expected) => {
    const found = issues(yaml);
    expect(found).toHaveLength(expected.length);
    for (const [index, text] of expected.entries()) expect(found[index]).toContain(text);
  });
});

const PW = `\${PW}`;

describe('the environment', () => {
  const connection = (password: string) =>
    `version: 1\nconnections:\n  - { name: a, host: h, port: "\${PORT}", database: d, username: u, password: "${password}" }`;
  test('a missing variable is an error where it stands', () => {
    expect(issues(connection('x'))).toEqual([`3:31 connections.port \${PORT} is not set in the environment`]);
  });
  test('a value is inserted after parsing, so it cannot become YAML', () => {
    const parsed = parsePolicy(connection(PW), { PORT: '5433', PW: 'x, tls: disable }' });
    expect(parsed).toMatchObject({ ok: true, document: { connections: [{ port: 5433, password: 'x, tls: disable }', tls: 'prefer' }] } });
  });
  test('an error does not repeat a value', () => {
    expect(issues(connection(PW).replace('name: a', `name: "${PW}"`), { PORT: '1', PW: 'canary secret' }).join()).not.toContain('canary');
  });
  test('a doubled dollar sign stands for itself', () => {
    const parsed = parsePolicy(rule(`    match: { sql: x }\n    message: "$\${NAME}"`), { NAME: 'value' });
    expect(parsed).toMatchObject({ ok: true, document: { rules: [{ message: `$\{NAME}` }] } });
  });
});

test('one slip in YAML is one error, however much stands behind it', () => {
  const rules = Array.from({ length: 50 }, (_, i) => `  - { name: rule-${i}, match: { statements: [DELETE] }, action: deny }`);
  const parsed = parsePolicy(['version: 1', 'groups: [agents', 'rules:', ...rules].join('\n'), {});
  expect(parsed.ok).toBe(false);
  if (!parsed.ok) expect(parsed.issues).toHaveLength(1);
});
