import { listAccess } from '../access/list';
import { saveAccess } from '../access/save';
import { accessDraftSchema } from '../access/shape';
import { procedure, router, takes } from './trpc';

export const accessRouter = router({
  list: procedure.query(({ ctx }) => listAccess(ctx.call)),
  save: procedure.input(takes(accessDraftSchema)).mutation(({ ctx, input }) => saveAccess(ctx.call, input)),
});
