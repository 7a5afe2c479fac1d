import { getOverview } from '../overview/get';
import { procedure, router } from './trpc';

export const overviewRouter = router({ get: procedure.query(({ ctx }) => getOverview(ctx.call)) });
