import { beforeEach, describe, expect, test } from 'vitest';
import { TransactionBlocks } from './transactionBlocks';

let blocks: TransactionBlocks;
beforeEach(() => {
  let last = 0;
  blocks = new TransactionBlocks(() => `txn_${++last}`);
});

describe('transaction blocks', () => {
  test('from BEGIN to COMMIT, and nothing outside', () => {
    expect(blocks.forwarded(['SELECT'], 'I')).toBeNull();
    expect(blocks.forwarded(['BEGIN'], 'I')).toBe('txn_1');
    expect(blocks.done('BEGIN', ['BEGIN'])).toBeNull();
    expect(blocks.atRest('T')).toEqual([]);
    expect(blocks.forwarded(['INSERT'], 'T')).toBe('txn_1');
    expect(blocks.of('T')).toBe('txn_1');
    expect(blocks.forwarded(['COMMIT'], 'T')).toBe('txn_1');
    expect(blocks.done('COMMIT', ['COMMIT'])).toEqual({ id: 'txn_1', outcome: 'committed', statements: 3 });
    expect(blocks.atRest('I')).toEqual([]);
    expect(blocks.forwarded(['SELECT'], 'I')).toBeNull();
  });

  test('COMMIT of what has failed is a rollback, ROLLBACK TO is not one', () => {
    blocks.forwarded(['BEGIN'], 'I');
    blocks.forwarded(['ROLLBACK TO'], 'T');
    expect(blocks.done('ROLLBACK', ['ROLLBACK TO'])).toBeNull();
    expect(blocks.forwarded(['COMMIT'], 'E')).toBe('txn_1');
    expect(blocks.done('ROLLBACK', ['COMMIT'])).toMatchObject({ id: 'txn_1', outcome: 'rolledBack' });
  });

  test('several in one pipeline end in order', () => {
    for (const word of ['BEGIN', 'INSERT', 'COMMIT', 'BEGIN', 'INSERT', 'ROLLBACK']) blocks.forwarded([word], null);
    expect(blocks.done('COMMIT', ['COMMIT'])).toEqual({ id: 'txn_1', outcome: 'committed', statements: 3 });
    expect(blocks.done('ROLLBACK', ['ROLLBACK'])).toEqual({ id: 'txn_2', outcome: 'rolledBack', statements: 3 });
  });

  test('an end that an error kept from running leaves the block open', () => {
    for (const word of ['BEGIN', 'INSERT', 'COMMIT']) blocks.forwarded([word], null);
    expect(blocks.atRest('E')).toEqual([]);
    expect(blocks.forwarded(['SELECT'], 'E')).toBe('txn_1');
    blocks.forwarded(['ROLLBACK'], 'E');
    expect(blocks.done('ROLLBACK', ['ROLLBACK'])).toMatchObject({ id: 'txn_1', outcome: 'rolledBack', statements: 5 });
  });

  test('a BEGIN that never happened is no block that stood', () => {
    blocks.forwarded(['BEGIN'], null);
    expect(blocks.atRest('I')).toEqual([{ id: 'txn_1', outcome: 'rolledBack', statements: 1 }]);
  });

  test('one nobody saw begin (AND CHAIN) is found by what the server says', () => {
    expect(blocks.of('T')).toBe('txn_1');
    expect(blocks.forwarded(['INSERT'], 'T')).toBe('txn_1');
    blocks.forwarded(['COMMIT'], 'T');
    expect(blocks.done('COMMIT', ['COMMIT'])).toMatchObject({ outcome: 'committed' });
    expect(blocks.forwarded(['INSERT'], 'T')).toBe('txn_2');
  });

  test('the end of the session: known where the server was at rest, otherwise not', () => {
    blocks.forwarded(['BEGIN'], 'I');
    expect(blocks.closed(true)).toMatchObject([{ outcome: 'rolledBack' }]);
    blocks.forwarded(['BEGIN'], 'I');
    blocks.forwarded(['COMMIT'], 'T');
    expect(blocks.closed(false)).toMatchObject([{ outcome: 'unknown' }]);
    expect(blocks.closed(true)).toEqual([]);
  });

  test('two-phase: some other session decides', () => {
    blocks.forwarded(['BEGIN'], 'I');
    blocks.forwarded(['PREPARE TRANSACTION'], 'T');
    expect(blocks.done('PREPARE TRANSACTION', ['PREPARE TRANSACTION'])).toMatchObject({ outcome: 'unknown' });
  });
});
