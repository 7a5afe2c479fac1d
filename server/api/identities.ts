import { listIdentities, listProviders } from '../identities/list';
import { unlinkIdentity } from '../identities/unlink';
import { idSchema } from '../input';
import { procedure, router, takes } from './trpc';

export const identitiesRouter = router({
  providers: procedure.query(({ ctx }) => listProviders(ctx.call)),
  list: procedure.query(({ ctx }) => listIdentities(ctx.call)),
  unlink: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => unlinkIdentity(ctx.call, input)),
});
