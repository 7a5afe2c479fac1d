import type { TRPCClientErrorLike } from '@trpc/client';
import type { AppRouter } from '../../server/api/router';

export type ApiError = TRPCClientErrorLike<AppRouter>;

/** The inline message of one form field, by its path in the input (`match.sql` also answers for `match.sql[0]`). */
export function fieldError(error: ApiError | null, path: string): string | undefined {
  return error?.data?.fields.find((field) => field.path === path || field.path.startsWith(`${path}.`) || field.path.startsWith(`${path}[`))
    ?.message;
}
