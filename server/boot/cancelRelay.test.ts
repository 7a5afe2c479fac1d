import { expect, test } from 'vitest';
import type { ToWorker } from '../../proxy/worker/messages';
import { createCancelRelay } from './cancelRelay';

const key = { type: 'cancel', processId: 7, secret: new Uint8Array(4) } as const;

function relayed() {
  const sent: string[] = [];
  const relay = createCancelRelay<string>((to, message: ToWorker) => {
    sent.push(`${to} ${message.type}${'id' in message ? ` ${message.id}` : ''}`);
  });
  return { relay, sent };
}

test('the asking worker hears when every other one has dealt with the key', () => {
  const { relay, sent } = relayed();
  relay.ask('a', ['b', 'c'], { ...key, id: 'x' });
  expect(sent).toEqual(['b cancel 1', 'c cancel 1']);
  relay.done('b', '1');
  relay.done('b', '1');
  expect(sent).toHaveLength(2);
  relay.done('c', '1');
  expect(sent.at(-1)).toBe('a cancelDone x');
});

test('alone, at once; a worker that dies is not waited for; an asker that died is not told', () => {
  const { relay, sent } = relayed();
  relay.ask('a', [], { ...key, id: 'x' });
  expect(sent).toEqual(['a cancelDone x']);
  relay.ask('a', ['b'], { ...key, id: 'y' });
  relay.gone('b');
  expect(sent.at(-1)).toBe('a cancelDone y');
  relay.ask('a', ['b'], { ...key, id: 'z' });
  relay.gone('a');
  relay.done('b', '3');
  expect(sent.at(-1)).toBe('b cancel 3');
});
