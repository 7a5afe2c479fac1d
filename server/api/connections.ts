import { getEnforcement } from '../connections/enforcement';
import { hardenConnection } from '../connections/harden';
import { listConnections } from '../connections/list';
import { reachConnection, reachSchema } from '../connections/reach';
import { removeConnection } from '../connections/remove';
import { saveConnection } from '../connections/save';
import { connectionDraftSchema, hardenSchema, verifySchema } from '../connections/shape';
import { connectionSnippets } from '../connections/snippets';
import { testConnection, testSchema } from '../connections/test';
import { verifyConnection } from '../connections/verify';
import { idSchema } from '../input';
import { limitedProcedure, policyProcedure, procedure, router, takes } from './trpc';

export const connectionsRouter = router({
  list: procedure.query(({ ctx }) => listConnections(ctx.call)),
  save: policyProcedure.input(takes(connectionDraftSchema)).mutation(({ ctx, input }) => saveConnection(ctx.call, input)),
  remove: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeConnection(ctx.call, input)),
  test: procedure.input(takes(testSchema)).mutation(({ ctx, input }) => testConnection(ctx.call, input)),
  harden: procedure.input(takes(hardenSchema)).mutation(({ ctx, input }) => hardenConnection(ctx.call, input)),
  verify: policyProcedure.input(takes(verifySchema)).mutation(({ ctx, input }) => verifyConnection(ctx.call, input)),
  enforcement: procedure.input(takes(idSchema)).query(({ ctx, input }) => getEnforcement(ctx.call, input)),
  reach: limitedProcedure.input(takes(reachSchema)).query(({ ctx, input }) => reachConnection(ctx.call, input, ctx.connections)),
  snippets: procedure.input(takes(idSchema)).query(({ ctx, input }) => connectionSnippets(ctx.call, input)),
});
