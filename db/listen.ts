import pg from 'pg';

/** The channels of the store. A notification only wakes: the row is the truth. */
export type Channel =
  | 'gatehouse_policy'
  | 'gatehouse_approvals'
  /** A session that somebody asks to end: its worker looks at its row. */
  | 'gatehouse_sessions'
  /** Sessions that opened or ended, their ids with spaces between. Workers do not listen: it is said at every sign-in. */
  | 'gatehouse_presence'
  | 'gatehouse_statements'
  | 'gatehouse_notifications'
  /** Something for the recorders: an action, an erasure, audit settings. */
  | 'gatehouse_record';

export interface Listener {
  close(): Promise<void>;
}

export interface ListenHandlers {
  onNotification(channel: Channel, payload: string): void;
  /** After every (re)connection: something may have been missed, so read the rows again. */
  onConnected(): void;
  /** The connection is gone; a new one is being tried every second. */
  onLost?(): void;
}

/** Keeps one connection that LISTENs on `channels`, reconnecting for as long as it is open. */
export function listen(url: string, channels: readonly Channel[], handlers: ListenHandlers): Listener {
  let closed = false;
  let client: pg.Client | undefined;
  let retry: NodeJS.Timeout | undefined;

  const connect = async () => {
    const next = new pg.Client({
      connectionString: url,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      application_name: 'gatehouse listen',
    });
    client = next;
    let lost = false;
    const onLost = () => {
      if (lost || closed) return;
      lost = true;
      handlers.onLost?.();
      retry = setTimeout(connect, 1_000);
      next.end().catch(() => undefined);
    };
    next.on('error', onLost);
    next.on('end', onLost);
    next.on('notification', (message) => handlers.onNotification(message.channel as Channel, message.payload ?? ''));
    try {
      await next.connect();
      for (const channel of channels) await next.query(`LISTEN ${channel}`);
      if (!lost && !closed) handlers.onConnected();
    } catch {
      onLost();
    }
  };
  void connect();

  return {
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end().catch(() => undefined);
    },
  };
}
