import { applyDocument, applySchema } from '../policy/apply';
import { exportDocument } from '../policy/export';
import { procedure, router, takes } from './trpc';

export const policyRouter = router({
  export: procedure.query(({ ctx }) => exportDocument(ctx.call)),
  applyYaml: procedure.input(takes(applySchema)).mutation(({ ctx, input }) => applyDocument(ctx.call, input)),
});
