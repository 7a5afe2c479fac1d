import { rotateSamlKey, rotateSamlSchema } from '../auth/saml/keys';
import { retireSchema, retireSecrets, rotateSchema, rotateSecrets } from '../secrets/rotate';
import { procedure, router, takes } from './trpc';

export const secretsRouter = router({
  rotate: procedure.input(takes(rotateSchema)).mutation(({ ctx, input }) => rotateSecrets(ctx.call, input)),
  retire: procedure.input(takes(retireSchema)).mutation(({ ctx, input }) => retireSecrets(ctx.call, input)),
  rotateSaml: procedure.input(takes(rotateSamlSchema)).mutation(({ ctx, input }) => rotateSamlKey(ctx.call, input)),
});
