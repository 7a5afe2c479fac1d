import { describe, expect, test } from 'vitest';
import { transactionBands } from './transactions';

/** Statements a second apart, each a word and, where it did not go well, its status. */
const run = (...texts: string[]) =>
  transactionBands(
    texts.map((text, index) => {
      const [kind = '', status = 'done'] = text.split(':');
      return { at: new Date(index * 1_000), durationMs: 100, kind, status: status as 'done' };
    }),
    60_000,
  );

describe('transaction blocks', () => {
  test.each([
    [['SELECT', 'INSERT'], []],
    [['BEGIN', 'INSERT', 'COMMIT'], ['0–2100 committed']],
    [['START TRANSACTION', 'INSERT', 'ROLLBACK'], ['0–2100 rolled back']],
    [['BEGIN', 'SELECT:failed', 'COMMIT'], ['0–2100 rolled back']],
    [['BEGIN', 'DROP TABLE:denied', 'COMMIT'], ['0–2100 rolled back']],
    [['BEGIN', 'SAVEPOINT', 'SELECT:failed', 'ROLLBACK TO', 'COMMIT'], ['0–4100 committed']],
    [['BEGIN', 'INSERT'], ['0–60000 open']],
    [['BEGIN:failed', 'INSERT'], []],
    [
      ['BEGIN', 'COMMIT', 'SELECT', 'BEGIN', 'COMMIT'],
      ['0–1100 committed', '3000–4100 committed'],
    ],
    [['BEGIN', 'BEGIN', 'COMMIT'], ['0–2100 committed']],
  ])('%j', (texts, bands) => {
    expect(run(...texts).map(({ fromMs, toMs, outcome }) => `${fromMs}–${toMs} ${outcome}`)).toEqual(bands);
  });
});
