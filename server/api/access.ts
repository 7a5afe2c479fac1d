import { listAccess } from '../access/list';
import { saveAccess } from '../access/save';
import { accessDraftSchema } from '../access/shape';
import { policyProcedure, procedure, router, takes } from './trpc';

export const accessRouter = router({
  list: procedure.query(({ ctx }) => listAccess(ctx.call)),
  save: policyProcedure.input(takes(accessDraftSchema)).mutation(({ ctx, input }) => saveAccess(ctx.call, input)),
});
