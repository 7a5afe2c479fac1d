/** Every page of the console that needs no id: what holds for one has to hold for all. */
export const PAGES = [
  '/',
  '/approvals',
  '/sessions',
  '/audit',
  '/rules',
  '/masking',
  '/policy',
  '/connections',
  '/principals',
  '/identity',
  '/notifications',
  '/access',
  '/reports',
  '/device',
  '/account',
];
