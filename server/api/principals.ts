import { listGroups } from '../groups/list';
import { idSchema } from '../input';
import { disablePrincipal, enablePrincipal } from '../principals/disable';
import { listPrincipals } from '../principals/list';
import { savePrincipal } from '../principals/save';
import { principalDraftSchema } from '../principals/shape';
import { makeSignInLink, signInLinkSchema } from '../principals/signInLink';
import { signOutPrincipal, signOutSchema } from '../principals/signOut';
import { usageOf } from '../principals/usage';
import { decideDevice, deviceDecisionSchema, getDevice, userCodeSchema } from '../token/decide';
import { createToken } from '../tokens/create';
import { listTokens, tokensListSchema } from '../tokens/list';
import { revokeToken } from '../tokens/revoke';
import { rotateToken } from '../tokens/rotate';
import { tokenDraftSchema, tokenRotateSchema } from '../tokens/shape';
import { policyProcedure, procedure, router, takes } from './trpc';

export const principalsRouter = router({
  list: procedure.query(({ ctx }) => listPrincipals(ctx.call)),
  usage: procedure.input(takes(idSchema)).query(({ ctx, input }) => usageOf(ctx.call, input)),
  save: policyProcedure.input(takes(principalDraftSchema)).mutation(({ ctx, input }) => savePrincipal(ctx.call, input)),
  disable: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => disablePrincipal(ctx.call, input)),
  signInLink: procedure.input(takes(signInLinkSchema)).mutation(({ ctx, input }) => makeSignInLink(ctx.call, input)),
  signOut: policyProcedure.input(takes(signOutSchema)).mutation(({ ctx, input }) => signOutPrincipal(ctx.call, input)),
  enable: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => enablePrincipal(ctx.call, input)),
});

/** Programs that wait for a person to sign them in. */
export const deviceRouter = router({
  get: procedure.input(takes(userCodeSchema)).query(({ ctx, input }) => getDevice(ctx.call, input)),
  decide: procedure.input(takes(deviceDecisionSchema)).mutation(({ ctx, input }) => decideDevice(ctx.call, input)),
});

export const groupsRouter = router({ list: procedure.query(({ ctx }) => listGroups(ctx.call)) });

export const tokensRouter = router({
  list: procedure.input(takes(tokensListSchema)).query(({ ctx, input }) => listTokens(ctx.call, input)),
  create: procedure.input(takes(tokenDraftSchema)).mutation(({ ctx, input }) => createToken(ctx.call, input)),
  revoke: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => revokeToken(ctx.call, input)),
  rotate: policyProcedure.input(takes(tokenRotateSchema)).mutation(({ ctx, input }) => rotateToken(ctx.call, input)),
});
