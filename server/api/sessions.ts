import { idSchema, resumeSchema } from '../input';
import { getSession } from '../sessions/get';
import { killSchema, killSession } from '../sessions/kill';
import { listSessions } from '../sessions/list';
import { sessionStatementsSchema, sessionsListSchema } from '../sessions/shape';
import { sessionStatements } from '../sessions/statements';
import { sessionTimeline } from '../sessions/timeline';
import { watchSessions } from '../sessions/watch';
import { procedure, router, takes } from './trpc';

export const sessionsRouter = router({
  list: procedure.input(takes(sessionsListSchema)).query(({ ctx, input }) => listSessions(ctx.call, input)),
  get: procedure.input(takes(idSchema)).query(({ ctx, input }) => getSession(ctx.call, input)),
  statements: procedure.input(takes(sessionStatementsSchema)).query(({ ctx, input }) => sessionStatements(ctx.call, input)),
  timeline: procedure.input(takes(idSchema)).query(({ ctx, input }) => sessionTimeline(ctx.call, input)),
  kill: procedure.input(takes(killSchema)).mutation(({ ctx, input }) => killSession(ctx.call, input)),
  onChange: procedure.input(takes(resumeSchema)).subscription(({ ctx, input, signal }) => watchSessions(ctx.call, input, signal)),
});
