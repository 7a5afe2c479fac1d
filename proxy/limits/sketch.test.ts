import { expect, test } from 'vitest';
import { DistinctValues } from './sketch';

const KEY = Buffer.from('0123456789abcdef', 'hex');
const fill = (sketch: DistinctValues, from: number, to: number) => {
  for (let i = from; i < to; i++) {
    const bytes = Buffer.from(`person ${i}@example.com`);
    sketch.add(bytes, 0, bytes.length);
  }
  return sketch;
};

test.each([0, 1, 10, 100, 1_000, 10_000, 100_000])('%s distinct values, each seen twice', (count) => {
  const sketch = fill(fill(new DistinctValues(KEY), 0, count), 0, count);
  expect(Math.abs(sketch.count - count)).toBeLessThanOrEqual(Math.max(1, count * 0.05));
});

test('what two have seen together', () => {
  const sketch = fill(new DistinctValues(KEY), 0, 600);
  sketch.merge(fill(new DistinctValues(KEY), 400, 1_000).registers);
  expect(Math.abs(sketch.count - 1_000)).toBeLessThanOrEqual(50);
  sketch.merge(Buffer.from('no registers'));
  sketch.clear();
  expect(sketch.count).toBe(0);
});

test('another key gives other registers: nobody can choose values that fall together', () => {
  const other = fill(new DistinctValues(Buffer.from('fedcba9876543210', 'hex')), 0, 100);
  expect(other.registers.equals(fill(new DistinctValues(KEY), 0, 100).registers)).toBe(false);
});

test('of a row only the masked cells count, and a row cut short counts nothing beyond its end', () => {
  const sketch = new DistinctValues(KEY);
  const row = Buffer.from('440000001a0003000000016100000001620000000163', 'hex');
  sketch.addRow(row, [null, () => true, null]);
  sketch.addRow(row.subarray(0, 15), [null, () => true, null]);
  expect(sketch.count).toBe(1);
});
