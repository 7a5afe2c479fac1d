/** Why a console or CLI call was refused. Mapped to tRPC in server/api/trpc.ts and to exit codes in server/cli. */
export type ServiceCode = 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'INVALID' | 'UNAVAILABLE';

/** One thing wrong in a policy document: where it stands, and what to write instead. Lines and columns count from 1. */
export interface PolicyIssue {
  line: number;
  column: number;
  /** e.g. `rules[2].match.sql` */
  path: string;
  message: string;
}

/** A field of an input that did not validate. */
export interface FieldIssue {
  path: string;
  message: string;
}

/** What the caller did wrong or cannot have, in words meant for them. Never carries a secret or an internal cause. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(
    readonly code: ServiceCode,
    message: string,
    readonly details: { fields?: FieldIssue[]; policy?: PolicyIssue[] } = {},
  ) {
    super(message);
  }
}

export const notFound = (noun: string, id: string) => new ServiceError('NOT_FOUND', `${noun} ${id} does not exist`);
