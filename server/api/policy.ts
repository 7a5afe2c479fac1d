import { applyDocument } from '../policy/apply';
import { exportDocument } from '../policy/export';
import { applySchema } from '../policy/shape';
import { procedure, router, takes } from './trpc';

export const policyRouter = router({
  export: procedure.query(({ ctx }) => exportDocument(ctx.call)),
  apply: procedure.input(takes(applySchema)).mutation(({ ctx, input }) => applyDocument(ctx.call, input)),
});
