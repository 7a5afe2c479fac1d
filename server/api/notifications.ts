import { idSchema } from '../input';
import { enableChannel, removeChannel, rotateSecret, sendAgain } from '../notifications/change';
import { listChannels, listDeliveries } from '../notifications/list';
import { saveChannel } from '../notifications/save';
import { channelDraftSchema, deliveriesListSchema, deliverySchema, enabledSchema } from '../notifications/shape';
import { testChannel } from '../notifications/test';
import { procedure, router, takes } from './trpc';

export const notificationsRouter = router({
  list: procedure.query(({ ctx }) => listChannels(ctx.call)),
  save: procedure.input(takes(channelDraftSchema)).mutation(({ ctx, input }) => saveChannel(ctx.call, input)),
  remove: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => removeChannel(ctx.call, input)),
  enable: procedure.input(takes(enabledSchema)).mutation(({ ctx, input }) => enableChannel(ctx.call, input)),
  rotate: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => rotateSecret(ctx.call, input)),
  test: procedure.input(takes(idSchema)).mutation(({ ctx, input }) => testChannel(ctx.call, input)),
  deliveries: procedure.input(takes(deliveriesListSchema)).query(({ ctx, input }) => listDeliveries(ctx.call, input)),
  sendAgain: procedure.input(takes(deliverySchema)).mutation(({ ctx, input }) => sendAgain(ctx.call, input)),
});
