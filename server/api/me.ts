import { getMe } from '../identity/me';
import { procedure, router } from './trpc';

export const meRouter = router({ get: procedure.query(({ ctx }) => getMe(ctx.call)) });
