'use client';
import { createTRPCContext } from '@trpc/tanstack-react-query';
import type { AppRouter } from '../../server/api/router';

/** The typed client: `useTRPC().approvals.list.queryOptions(…)`. Only the router's type crosses into the browser. */
export const { TRPCProvider, useTRPC } = createTRPCContext<AppRouter>();
