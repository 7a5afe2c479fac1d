import { listConnections } from '../connections/list';
import { removeConnection } from '../connections/remove';
import { saveConnection } from '../connections/save';
import { connectionDraftSchema } from '../connections/shape';
import { connectionSnippets } from '../connections/snippets';
import { testConnection, testSchema } from '../connections/test';
import { idSchema } from '../input';
import { procedure, router, takes } from './trpc';

export const connectionsRouter = router({
  list: procedure.query(({ ctx }) => listConnections(ctx.call)),
  save: procedure.input(takes(connectionDraftSchema)).mutation(({ ctx, input }) => saveConnection(ctx.call, input)),
  remove: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeConnection(ctx.call, input)),
  test: procedure.input(takes(testSchema)).mutation(({ ctx, input }) => testConnection(ctx.call, input)),
  snippets: procedure.input(takes(idSchema)).query(({ ctx, input }) => connectionSnippets(ctx.call, input)),
});
