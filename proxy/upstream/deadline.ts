import type net from 'node:net';
import { UpstreamError, type UpstreamStage } from './error';

/** What is under way, so that a time limit can say where it struck and what to close. */
export interface Progress {
  stage: UpstreamStage;
  socket: net.Socket | null;
}

/** Gives `work` a time limit. Whatever ends it but success destroys the socket it had come to, also where that appears late. */
export async function withDeadline<T>(timeoutMs: number, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress: Progress = { stage: 'TCP', socket: null };
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UpstreamError(`no answer within ${timeoutMs} ms`, { stage: progress.stage })), timeoutMs);
  });
  const running = work(progress);
  try {
    return await Promise.race([running, deadline]);
  } catch (error) {
    progress.socket?.destroy();
    running.then(
      () => progress.socket?.destroy(),
      () => progress.socket?.destroy(),
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
