import { beginAuthenticator } from '../localAccounts/authenticator';
import { changeAuthenticator, changePassword, removeOwnLocalAccount, renewRecoveryCodes } from '../localAccounts/change';
import { enrolLocalAccount } from '../localAccounts/enrol';
import { getLocalAccount } from '../localAccounts/get';
import { removeLocalAccount } from '../localAccounts/remove';
import {
  changeAuthenticatorSchema,
  changePasswordSchema,
  enrolSchema,
  removeLocalAccountSchema,
  removeOwnLocalAccountSchema,
  renewRecoveryCodesSchema,
} from '../localAccounts/shape';
import { procedure, router, takes } from './trpc';

/** One's own password and second factor; an administrator takes them away. */
export const localAccountsRouter = router({
  get: procedure.query(({ ctx }) => getLocalAccount(ctx.call)),
  begin: procedure.mutation(({ ctx }) => beginAuthenticator(ctx.call)),
  enrol: procedure.input(takes(enrolSchema)).mutation(({ ctx, input }) => enrolLocalAccount(ctx.call, input)),
  changePassword: procedure.input(takes(changePasswordSchema)).mutation(({ ctx, input }) => changePassword(ctx.call, input)),
  changeAuthenticator: procedure.input(takes(changeAuthenticatorSchema)).mutation(({ ctx, input }) => changeAuthenticator(ctx.call, input)),
  renewRecoveryCodes: procedure.input(takes(renewRecoveryCodesSchema)).mutation(({ ctx, input }) => renewRecoveryCodes(ctx.call, input)),
  removeOwn: procedure.input(takes(removeOwnLocalAccountSchema)).mutation(({ ctx, input }) => removeOwnLocalAccount(ctx.call, input)),
  remove: procedure.input(takes(removeLocalAccountSchema)).mutation(({ ctx, input }) => removeLocalAccount(ctx.call, input)),
});
