import { listActions } from '../audit/actions';
import { eraseValues } from '../audit/erase';
import { eraseSchema } from '../audit/eraseShape';
import { auditFacets } from '../audit/facets';
import { getStatement } from '../audit/get';
import { statementHistogram } from '../audit/histogram';
import { resultsSchema } from '../audit/integrity';
import { proveStatement } from '../audit/prove';
import { statementResults } from '../audit/results';
import { searchStatements } from '../audit/search';
import { actionsListSchema, auditHistogramSchema, auditSearchSchema } from '../audit/shape';
import { auditStatus } from '../audit/status';
import { watchStatements } from '../audit/watch';
import { idSchema, resumeSchema } from '../input';
import { getRuntime } from '../runtime';
import { procedure, router, takes } from './trpc';

export const auditRouter = router({
  search: procedure.input(takes(auditSearchSchema)).query(({ ctx, input }) => searchStatements(ctx.call, input)),
  get: procedure.input(takes(idSchema)).query(({ ctx, input }) => getStatement(ctx.call, input)),
  histogram: procedure.input(takes(auditHistogramSchema)).query(({ ctx, input }) => statementHistogram(ctx.call, input)),
  erase: procedure.input(takes(eraseSchema)).mutation(({ ctx, input }) => eraseValues(ctx.call, input)),
  facets: procedure.input(takes(auditHistogramSchema)).query(({ ctx, input }) => auditFacets(ctx.call, input)),
  results: procedure.input(takes(resultsSchema)).query(({ ctx, input }) => statementResults(ctx.call, input)),
  prove: procedure.input(takes(idSchema)).query(({ ctx, input }) => proveStatement(ctx.call, getRuntime().dataDir, input)),
  status: procedure.query(({ ctx }) => auditStatus(ctx.call)),
  actions: procedure.input(takes(actionsListSchema)).query(({ ctx, input }) => listActions(ctx.call, input)),
  onStatement: procedure.input(takes(resumeSchema)).subscription(({ ctx, input, signal }) => watchStatements(ctx.call, input, signal)),
});
