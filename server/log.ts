import pino from 'pino';

/** Keys that may hold a credential, at the depths our log lines use. */
const SECRET_KEYS = [
  'password',
  'passwordSealed',
  'tlsKey',
  'tlsKeySealed',
  'secret',
  'token',
  'authorization',
  'cookie',
  'yaml',
  'secretKey',
  'connectionString',
];

/** The process log: one JSON object a line on standard error, so that standard output stays for what the operator reads. */
export const log = pino(
  {
    level: process.env.LOG_LEVEL ?? 'info',
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
  },
  pino.destination({ fd: 2, sync: false }),
);
