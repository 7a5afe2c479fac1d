import { leaveConsole } from '../auth/saml/logout';
import { getMe } from '../identity/me';
import { procedure, router } from './trpc';

export const meRouter = router({
  get: procedure.query(({ ctx }) => getMe(ctx.call)),
  leave: procedure.mutation(({ ctx }) => leaveConsole(ctx.call)),
});
