import type net from 'node:net';
import type pg from 'pg';

export interface SilenceWatch {
  /** From now on an answer is waited for. */
  busy(): void;
  idle(): void;
}

/**
 * Ends a connection whose server says nothing while an answer is waited for: behind a broken network nobody says that it is gone, and whoever
 * waits would wait for hours. Its query then fails, as where the server had closed it.
 *
 * @param client connected
 * @param silenceMs longer than any statement may take there
 */
export function watchSilence(client: pg.ClientBase, silenceMs: number): SilenceWatch {
  // The one thing pg does not give away is its socket.
  const { stream } = (client as unknown as { connection: { stream: net.Socket } }).connection;
  stream.on('timeout', () => stream.destroy(new Error('the store does not answer')));
  return { busy: () => void stream.setTimeout(silenceMs), idle: () => void stream.setTimeout(0) };
}
