import { idSchema } from '../input';
import { columnsSchema, listSchemaColumns } from '../masking/columns';
import { listMasking } from '../masking/list';
import { previewMasking, previewSchema } from '../masking/preview';
import { removeMasking } from '../masking/remove';
import { saveMasking } from '../masking/save';
import { maskingDraftSchema } from '../masking/shape';
import { policyProcedure, procedure, router, takes } from './trpc';

export const maskingRouter = router({
  list: procedure.query(({ ctx }) => listMasking(ctx.call)),
  save: policyProcedure.input(takes(maskingDraftSchema)).mutation(({ ctx, input }) => saveMasking(ctx.call, input)),
  remove: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeMasking(ctx.call, input)),
  preview: procedure.input(takes(previewSchema)).query(({ ctx, input }) => previewMasking(ctx.call, input)),
  columns: procedure.input(takes(columnsSchema)).query(({ ctx, input }) => listSchemaColumns(ctx.call, input)),
});
