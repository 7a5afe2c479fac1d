import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPart } from '../proxy/journal/definitions';
import { openJournal } from '../proxy/journal/write';
import type { JudgedStatement } from '../proxy/policy/judge';
import { type Execution, intentOf, newExecution, outcomeOf, recordedAs, type SessionFacts } from '../proxy/session/execution';

/**
 * What the journal costs a statement: its intent and its outcome, made, encoded, checksummed and written, in CPU time of this process (user
 * and system, so the writes count). Each turn of the event loop has as many statements as sessions were served in it; the same turns
 * without a journal are the baseline. Rounds are interleaved, the difference is taken within a round.
 *
 *   npm run bench:journal -- [rounds] [thousand statements a round]
 */
const ROUNDS = Number(process.argv[2] ?? 11);
const STATEMENTS = Number(process.argv[3] ?? 40) * 1_000;

/** [statements in a turn, whether every text is new] */
const CASES: readonly [name: string, perTurn: number, newTexts: boolean][] = [
  ['1 statement a turn', 1, false],
  ['4 statements a turn', 4, false],
  ['16 statements a turn', 16, false],
  ['64 statements a turn', 64, false],
  ['16 a turn, every text new', 16, true],
];

const session: SessionFacts = {
  id: 'ses_01k9zr5m4abcdefghjkm',
  principal: {
    id: 'prn_1',
    name: 'support-bot',
    kind: 'agent',
    role: 'member',
    email: null,
    owner: { id: 'prn_2', name: 'ana' },
    groups: ['agents'],
  },
  connectionName: 'shop',
  clientAddress: '127.0.0.1:54321',
  applicationName: 'bench',
};

// As judge makes it for an ordinary statement under six rules; what the record does not read is left out.
const judgedAs = (text: string) =>
  ({
    facts: {
      kind: 'SELECT',
      text,
      fingerprint: 'a0e3b3f1c2d4e5f6',
      effects: new Set(['read']),
      unboundedWrites: [],
      commands: ['SELECT'],
      session: null,
    },
    relations: [{ name: 'public.orders', access: 'read' }],
    columns: ['public.orders.id', 'public.orders.total', 'public.orders.customer_id'],
    touch: { state: 'clean' },
    verdict: {
      action: 'allow',
      rule: null,
      why: 'No rule matches; the connection allows what no rule matches.',
      tried: Array.from({ length: 6 }, (_, i) => ({
        rule: `rule-${i}`,
        mode: 'enforce',
        action: 'deny',
        matched: false,
        why: 'statements: SELECT is not among them',
      })),
    },
  }) as unknown as JudgedStatement;

const known = judgedAs('SELECT id, total FROM orders WHERE customer_id = $1 AND total > $2');
const parameters = [
  { typeOid: 23, value: '4711' },
  { typeOid: 1700, value: '99.95' },
];
const part = newPart();
const dir = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
const journal = openJournal(dir, 'bench');
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

let written = 0;
const onWritten = () => {
  written++;
};

async function run(perTurn: number, newTexts: boolean, recorded: boolean, round: number): Promise<number> {
  const from = process.cpuUsage();
  let running: Execution[] = [];
  for (let done = 0; done < STATEMENTS; done += perTurn) {
    const next: Execution[] = [];
    for (let i = 0; i < perTurn; i++) {
      const judged = newTexts
        ? judgedAs(`SELECT id, total FROM orders WHERE customer_id = ${round * STATEMENTS + done + i} AND total > 99.95`)
        : known;
      const execution = newExecution(judged, { protocol: 'extended', parameters, analysisMs: 0.01 });
      next.push(execution);
      if (!recorded) continue;
      const now = { atMs: Date.now(), policyVersion: 7, transactionStatus: 'I' as const, transactionId: null };
      journal.append(intentOf(execution, session, now, 'running'), { session: part, statement: recordedAs(judged) });
      journal.whenWritten('written', onWritten);
    }
    // What was sent in the turn before is answered in this one.
    for (const execution of running) {
      execution.answeredMs = execution.startedMs + 0.2;
      const entry = recorded ? outcomeOf(execution, 'done', Date.now()) : null;
      if (entry !== null) journal.append(entry);
    }
    running = next;
    await turn();
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / STATEMENTS;
}

const costs = new Map<string, number[]>(CASES.map(([name]) => [name, []]));
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, perTurn, newTexts] of CASES) {
    const without = await run(perTurn, newTexts, false, 2 * round + 2);
    const withJournal = await run(perTurn, newTexts, true, 2 * round + 3);
    // The first round is for the compiler.
    if (round >= 0) costs.get(name)?.push(withJournal - without);
  }
}
journal.close();
rmSync(dir, { recursive: true });
if (written === 0) throw new Error('nothing was written');

console.log(
  `${ROUNDS} rounds of ${STATEMENTS} statements; CPU of intent and outcome together, microseconds a statement: median (quartiles)`,
);
for (const [name, all] of costs) {
  const sorted = [...all].sort((a, b) => a - b);
  const quantile = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2);
  console.log(`  ${name.padEnd(28)} ${quantile(0.5)} (${quantile(0.25)}–${quantile(0.75)})`);
}
