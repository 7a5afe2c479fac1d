import { idSchema } from '../input';
import { listViews } from '../views/list';
import { removeView } from '../views/remove';
import { saveView } from '../views/save';
import { viewSchema } from '../views/shape';
import { procedure, router, takes } from './trpc';

export const viewsRouter = router({
  list: procedure.query(({ ctx }) => listViews(ctx.call)),
  save: procedure.input(takes(viewSchema)).mutation(({ ctx, input }) => saveView(ctx.call, input)),
  remove: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeView(ctx.call, input)),
});
