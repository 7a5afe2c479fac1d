/** What next-auth calls one-time links: no provider that the policy names can be called so. */
export const LINK = '_link';
/** And passkeys. */
export const PASSKEY = '_passkey';
/** And passwords with their codes. */
export const LOCAL = '_local';
