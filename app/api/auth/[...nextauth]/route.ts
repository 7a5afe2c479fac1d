import type { NextRequest } from 'next/server';
import NextAuth from 'next-auth';
import { authOptions } from '../../../../server/auth/options';

interface Context {
  params: Promise<{ nextauth: string[] }>;
}

/** The options read the runtime, which exists only in a booted server, so they are made per request. */
const handler = async (request: NextRequest, context: Context): Promise<Response> => NextAuth(await authOptions())(request, context);

export { handler as GET, handler as POST };
