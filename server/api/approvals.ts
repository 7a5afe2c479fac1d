import { approveRequest, approveSchema, confirmApproval, confirmApprovalSchema } from '../approvals/approve';
import { breakGlassUses } from '../approvals/breakGlass';
import { getRequest } from '../approvals/get';
import { grantsListSchema, listGrants, revokeGrant } from '../approvals/grants';
import { listRequests } from '../approvals/list';
import { measureRequest } from '../approvals/measure';
import { previewRequest } from '../approvals/preview';
import { rejectRequest, rejectSchema } from '../approvals/reject';
import { approvalsListSchema } from '../approvals/shape';
import { approvalStats } from '../approvals/stats';
import { watchRequests } from '../approvals/watch';
import { idSchema, resumeSchema } from '../input';
import { procedure, router, takes } from './trpc';

export const approvalsRouter = router({
  list: procedure.input(takes(approvalsListSchema)).query(({ ctx, input }) => listRequests(ctx.call, input)),
  get: procedure.input(takes(idSchema)).query(({ ctx, input }) => getRequest(ctx.call, input)),
  approve: procedure.input(takes(approveSchema)).mutation(({ ctx, input }) => approveRequest(ctx.call, input)),
  confirmApproval: procedure.input(takes(confirmApprovalSchema)).mutation(({ ctx, input }) => confirmApproval(ctx.call, input)),
  reject: procedure.input(takes(rejectSchema)).mutation(({ ctx, input }) => rejectRequest(ctx.call, input)),
  preview: procedure.input(takes(idSchema)).query(({ ctx, input }) => previewRequest(ctx.call, input)),
  measure: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => measureRequest(ctx.call, input)),
  grants: procedure.input(takes(grantsListSchema)).query(({ ctx, input }) => listGrants(ctx.call, input)),
  revokeGrant: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => revokeGrant(ctx.call, input)),
  breakGlass: procedure.query(({ ctx }) => breakGlassUses(ctx.call)),
  stats: procedure.query(({ ctx }) => approvalStats(ctx.call)),
  onChange: procedure.input(takes(resumeSchema)).subscription(({ ctx, input, signal }) => watchRequests(ctx.call, input, signal)),
});
