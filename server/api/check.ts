import { runCheck } from '../check/run';
import { checkSchema } from '../check/shape';
import { procedure, router, takes } from './trpc';

/** A query, because it changes nothing, and a mutation by transport: SQL in a URL would reach access logs. */
export const checkRouter = router({
  run: procedure.input(takes(checkSchema)).mutation(({ ctx, input }) => runCheck(ctx.call, input)),
});
