import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { answering } from '../../db/notifications/standIns/http';
import { withDeadline } from './deadline';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a receiver that hangs is left in time, garbage collection or not; so is one when its sender stops', async () => {
  const server = await answering(() => new Promise(() => undefined));
  const timer = setInterval(collectGarbage, 20);
  const stopping = new AbortController();
  const post = (ms: number) => withDeadline(stopping.signal, ms, (signal) => fetch(server.url, { method: 'POST', signal }));
  await expect(post(300)).rejects.toMatchObject({ name: 'TimeoutError' });
  const stopped = post(60_000);
  setTimeout(() => stopping.abort(), 100);
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  await expect(post(60_000)).rejects.toMatchObject({ name: 'AbortError' });
  clearInterval(timer);
  await server.close();
});
