import { newestCheckpoint } from '../record/checkpoint';
import { proveRecorded } from '../record/prove';
import { proveSchema } from '../record/shape';
import { getRuntime } from '../runtime';
import { procedure, router, takes } from './trpc';

export const recordRouter = router({
  checkpoint: procedure.query(({ ctx }) => newestCheckpoint(ctx.call, getRuntime().dataDir)),
  // It is recorded, and so a change.
  prove: procedure.input(takes(proveSchema)).mutation(({ ctx, input }) => proveRecorded(ctx.call, getRuntime().dataDir, input)),
});
