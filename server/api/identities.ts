import { listIdentities, listProviders } from '../identities/list';
import { unlinkIdentity } from '../identities/unlink';
import { idSchema } from '../input';
import { policyProcedure, procedure, router, takes } from './trpc';

export const identitiesRouter = router({
  providers: procedure.query(({ ctx }) => listProviders(ctx.call)),
  list: procedure.query(({ ctx }) => listIdentities(ctx.call)),
  unlink: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => unlinkIdentity(ctx.call, input)),
});
