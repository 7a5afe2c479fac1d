import { idSchema } from '../input';
import { confirmRemoving, removePasskey, removePasskeySchema, renamePasskey, renamePasskeySchema } from '../passkeys/change';
import { listPasskeys, ownPasskeys, passkeysOfSchema } from '../passkeys/list';
import { beginRegistration, beginRegistrationSchema, confirmAdding, registerPasskey, registerSchema } from '../passkeys/register';
import { procedure, router, takes } from './trpc';

export const passkeysRouter = router({
  own: procedure.query(({ ctx }) => ownPasskeys(ctx.call)),
  list: procedure.input(takes(passkeysOfSchema)).query(({ ctx, input }) => listPasskeys(ctx.call, input)),
  confirmAdding: procedure.mutation(({ ctx }) => confirmAdding(ctx.call)),
  begin: procedure.input(takes(beginRegistrationSchema)).mutation(({ ctx, input }) => beginRegistration(ctx.call, input)),
  register: procedure.input(takes(registerSchema)).mutation(({ ctx, input }) => registerPasskey(ctx.call, input)),
  rename: procedure.input(takes(renamePasskeySchema)).mutation(({ ctx, input }) => renamePasskey(ctx.call, input)),
  confirmRemoving: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => confirmRemoving(ctx.call, input)),
  remove: procedure.input(takes(removePasskeySchema)).mutation(({ ctx, input }) => removePasskey(ctx.call, input)),
});
