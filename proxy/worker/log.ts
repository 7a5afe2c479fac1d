import pino from 'pino';

/** The worker's log: JSON lines on standard error. What is logged is named by hand; no message, row or credential ever is. */
export const log = pino(
  { level: process.env.LOG_LEVEL ?? 'info', base: { worker: process.env.GATEHOUSE_WORKER ?? '-' } },
  pino.destination({ fd: 2, sync: true }),
);
