import { dailyReport } from '../reports/daily';
import { dailySchema } from '../reports/shape';
import { procedure, router, takes } from './trpc';

export const reportsRouter = router({
  daily: procedure.input(takes(dailySchema.nullish())).query(({ ctx, input }) => dailyReport(ctx.call, input)),
});
