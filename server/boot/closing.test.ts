import { expect, test } from 'vitest';
import { createClosing } from './closing';

test('what was made last is undone first, each once, and a step that fails stops no other', async () => {
  const done: string[] = [];
  const failed: string[] = [];
  const closing = createClosing((name) => failed.push(name));
  await closing.add('first', () => void done.push('first'));
  await closing.add('second', () => Promise.reject(new Error('stuck')));
  await closing.add('third', () => void done.push('third'));
  await Promise.all([closing.close(), closing.close()]);
  expect(done).toEqual(['third', 'first']);
  expect(failed).toEqual(['second']);
});

test('what comes up while everything closes is undone at once', async () => {
  const done: string[] = [];
  const closing = createClosing(() => undefined);
  expect(closing.closing).toBe(false);
  const closed = closing.close();
  await closing.add('late', () => void done.push('late'));
  expect(done).toEqual(['late']);
  expect(closing.closing).toBe(true);
  await closed;
});
