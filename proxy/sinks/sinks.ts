import { hostname } from 'node:os';
import { join } from 'node:path';
import type { SinkStatus, SinkTarget } from '../../db/schema/auditShapes';
import type { LogReader } from '../record/leaf';
import { type Feed, startFeed } from './feed';
import { createJsonLines } from './jsonl';
import { createOtlp } from './otlp';
import { type Sink, SinkError } from './sink';
import { createSyslog } from './syslog';
import { createWebhook } from './webhook';

const DEFAULT_BUDGET_BYTES = 1024 * 1024 * 1024;

export interface Sinks {
  /** The targets as they are set now: what is new begins, what has changed goes on where it was, what is gone ends. */
  apply(targets: readonly SinkTarget[]): Promise<void>;
  /** The log has grown. */
  wake(): void;
  status(): SinkStatus[];
  /** The first entry that somebody still needs; null where nobody waits for anything. */
  needs(): number | null;
  stop(): Promise<void>;
}

/** Everything entries are sent to, each at its own pace. */
export function createSinks(options: {
  log: LogReader;
  /** Where cursors are kept. */
  directory: string;
  node: string;
  now(): number;
  random(): number;
  onTrouble(sink: string, words: string): void;
}): Sinks {
  const { log, directory, node, now, random, onTrouble } = options;
  const feeds = new Map<string, { text: string; feed: Feed }>();

  const sinkOf = (target: SinkTarget): Sink => {
    switch (target.type) {
      case 'otlp':
        return createOtlp({
          url: target.url,
          headers: target.headers ?? {},
          signals: target.signals ?? ['logs', 'traces'],
          node,
          log,
          now,
        });
      case 'jsonl':
        return createJsonLines(target.path);
      case 'syslog':
        return createSyslog(target, { origin: { host: hostname(), processId: process.pid }, now });
      case 'webhook':
        return target.secret === undefined ? WITHOUT_SECRET : createWebhook({ url: target.url, secret: target.secret, node, now });
      default:
        return target satisfies never;
    }
  };

  return {
    async apply(targets) {
      const wanted = new Map(targets.map((target) => [nameOf(target), target]));
      for (const [name, { text, feed }] of feeds) {
        const target = wanted.get(name);
        if (target !== undefined && JSON.stringify(target) === text) continue;
        feeds.delete(name);
        await feed.stop();
      }
      for (const [name, target] of wanted) {
        if (feeds.has(name)) continue;
        const feed = startFeed({
          name,
          sink: sinkOf(target),
          log,
          directory: join(directory, 'sinks'),
          budgetBytes: target.maxBytes ?? DEFAULT_BUDGET_BYTES,
          random,
          onTrouble: (words) => onTrouble(name, words),
        });
        feeds.set(name, { text: JSON.stringify(target), feed });
      }
    },
    wake() {
      for (const { feed } of feeds.values()) feed.wake();
    },
    status: () => [...feeds.values()].map(({ feed }) => feed.status()),
    needs: () => (feeds.size === 0 ? null : Math.min(...[...feeds.values()].map(({ feed }) => feed.needs()))),
    async stop() {
      await Promise.all([...feeds.values()].map(({ feed }) => feed.stop()));
      feeds.clear();
    },
  };
}

/** Nothing is sent unsigned. */
const WITHOUT_SECRET: Sink = {
  batch: 1,
  send: () => Promise.reject(new SinkError('it has no secret to sign with: apply the policy document with one')),
  close: () => Promise.resolve(),
};

/** Its name, or its kind; fit for a file name, and no two are the same (server/policy/auditDocument.ts). */
const nameOf = (target: SinkTarget): string => target.name ?? target.type;
