import { getRuntime } from '../runtime';
import { LiveHub } from './hub';

const KEY = Symbol.for('gatehouse.live');
const holder = globalThis as typeof globalThis & { [KEY]?: LiveHub };

/** The process's one hub, started when the first subscriber comes. */
export function liveHub(): LiveHub {
  holder[KEY] ??= new LiveHub(getRuntime(), getRuntime().storeUrl);
  return holder[KEY];
}

/** Ends the LISTEN connection at shutdown. */
export async function stopLive(): Promise<void> {
  await holder[KEY]?.close();
  delete holder[KEY];
}
