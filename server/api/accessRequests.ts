import { approveAccess, rejectAccess } from '../accessRequests/decide';
import { endAccess } from '../accessRequests/end';
import { getAccessRequest, listAccessRequests, listRequestable } from '../accessRequests/list';
import { requestAccess } from '../accessRequests/request';
import { accessDraftSchema, accessListSchema, approveAccessSchema, rejectAccessSchema } from '../accessRequests/shape';
import { idSchema } from '../input';
import { policyProcedure, procedure, router, takes } from './trpc';

export const accessRequestsRouter = router({
  requestable: procedure.query(({ ctx }) => listRequestable(ctx.call)),
  list: procedure.input(takes(accessListSchema)).query(({ ctx, input }) => listAccessRequests(ctx.call, input)),
  get: procedure.input(takes(idSchema)).query(({ ctx, input }) => getAccessRequest(ctx.call, input)),
  request: procedure.input(takes(accessDraftSchema)).mutation(({ ctx, input }) => requestAccess(ctx.call, input)),
  approve: policyProcedure.input(takes(approveAccessSchema)).mutation(({ ctx, input }) => approveAccess(ctx.call, input)),
  reject: procedure.input(takes(rejectAccessSchema)).mutation(({ ctx, input }) => rejectAccess(ctx.call, input)),
  end: policyProcedure.input(takes(idSchema)).mutation(({ ctx, input }) => endAccess(ctx.call, input)),
});
