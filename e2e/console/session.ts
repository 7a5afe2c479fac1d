/** Where signIn.spec.ts leaves the browser session for the other specs. */
export const SESSION_FILE = 'test-results/console-session.json';
