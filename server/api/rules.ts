import { idSchema } from '../input';
import { listRules } from '../rules/list';
import { moveRule, moveSchema } from '../rules/move';
import { removeRule } from '../rules/remove';
import { saveRule } from '../rules/save';
import { ruleDraftSchema } from '../rules/shape';
import { policyProcedure, procedure, router, takes } from './trpc';

export const rulesRouter = router({
  list: procedure.query(({ ctx }) => listRules(ctx.call)),
  save: policyProcedure.input(takes(ruleDraftSchema)).mutation(({ ctx, input }) => saveRule(ctx.call, input)),
  remove: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeRule(ctx.call, input)),
  move: policyProcedure.input(takes(moveSchema)).mutation(({ ctx, input }) => moveRule(ctx.call, input)),
});
