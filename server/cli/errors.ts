import { TRPCClientError } from '@trpc/client';
import type { PolicyIssue } from '../errors';

/** 0 done, 1 refused or failed, 2 the command itself is wrong. */
export type ExitCode = 0 | 1 | 2;

/** Something to tell the operator in one line. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: ExitCode = 1,
  ) {
    super(message);
  }
}

export interface Failure {
  message: string;
  code: string;
  policy: PolicyIssue[];
  exitCode: ExitCode;
}

/** What went wrong, in words that say what to do. */
export function describeFailure(error: unknown, url: string): Failure {
  if (error instanceof CliError)
    return { message: error.message, code: error.exitCode === 2 ? 'USAGE' : 'FAILED', policy: [], exitCode: error.exitCode };
  if (error instanceof TRPCClientError) {
    const data: unknown = error.data;
    if (typeof data !== 'object' || data === null) return unreachable(error, url);
    const code = 'service' in data && typeof data.service === 'string' ? data.service : 'code' in data ? String(data.code) : 'FAILED';
    const policy = 'policy' in data && Array.isArray(data.policy) ? (data.policy as PolicyIssue[]) : [];
    const message =
      code === 'UNAUTHORIZED'
        ? `${url} does not accept this token: it is unknown, expired or revoked, or for sessions on some connections alone`
        : error.message;
    return { message, code, policy, exitCode: code === 'INVALID' && policy.length === 0 ? 2 : 1 };
  }
  return { message: error instanceof Error ? error.message : 'failed', code: 'FAILED', policy: [], exitCode: 1 };
}

function unreachable(error: Error, url: string): Failure {
  const refused = error.message.includes('fetch failed') || error.message.includes('ECONNREFUSED');
  const message = refused
    ? `no gateway answers at ${url}: start it with npm start, or set GATEHOUSE_URL`
    : `${url} did not answer as a gateway: ${error.message}`;
  return { message, code: 'UNAVAILABLE', policy: [], exitCode: 1 };
}
