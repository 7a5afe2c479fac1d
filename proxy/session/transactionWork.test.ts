import { describe, expect, test } from 'vitest';
import type { Effect } from '../sql/types';
import type { Execution } from './execution';
import { TransactionWork } from './transactionWork';

const ran = (id: string, kind: string, ...effects: Effect[]) =>
  ({ id, judged: { facts: { kind, effects: new Set(effects) } } }) as unknown as Execution;
const insert = ran('i', 'INSERT', 'insert');
const ids = (executions: readonly Execution[]) => executions.map(({ id }) => id);

describe('what a rollback took back', () => {
  test.each<[string, (work: TransactionWork) => readonly Execution[], string[]]>([
    [
      'an implicit transaction that failed',
      (work) => {
        work.done(insert, 'INSERT');
        work.failed();
        return work.ready('I');
      },
      ['i'],
    ],
    [
      'one that succeeded',
      (work) => {
        work.done(insert, 'INSERT');
        return work.ready('I');
      },
      [],
    ],
    [
      'ROLLBACK',
      (work) => {
        work.done(insert, 'INSERT');
        work.ready('T');
        return work.done(ran('r', 'ROLLBACK', 'transaction'), 'ROLLBACK');
      },
      ['i'],
    ],
    [
      'COMMIT of a failed transaction, which says ROLLBACK',
      (work) => {
        work.done(insert, 'INSERT');
        work.failed();
        work.ready('E');
        return work.done(ran('c', 'COMMIT', 'transaction'), 'ROLLBACK');
      },
      ['i'],
    ],
    [
      'COMMIT',
      (work) => {
        work.done(insert, 'INSERT');
        work.ready('T');
        return [...work.done(ran('c', 'COMMIT', 'transaction'), 'COMMIT'), ...work.ready('I')];
      },
      [],
    ],
    [
      'ROLLBACK TO, which is not followed',
      (work) => {
        work.done(insert, 'INSERT');
        return work.done(ran('r', 'ROLLBACK TO', 'transaction'), 'ROLLBACK');
      },
      [],
    ],
    [
      'the end of the session',
      (work) => {
        work.done(insert, 'INSERT');
        work.ready('T');
        return work.closed();
      },
      ['i'],
    ],
    [
      'reads, which leave nothing to take back',
      (work) => {
        work.done(ran('s', 'SELECT', 'read'), 'SELECT');
        return work.closed();
      },
      [],
    ],
    [
      'an error of the batch before',
      (work) => {
        work.failed();
        work.ready('I');
        work.done(insert, 'INSERT');
        return work.ready('I');
      },
      [],
    ],
  ])('%s', (_, play, undone) => expect(ids(play(new TransactionWork()))).toEqual(undone));
});
