/** Runs before the first paint, so that a dark page never flashes light. Kept tiny: it is inlined into every document. */
export const THEME_SCRIPT =
  "(function(){try{var t=localStorage.getItem('gatehouse.theme');var d=t==='dark'||(t!=='light'&&matchMedia('(prefers-color-scheme: dark)').matches);document.documentElement.dataset.theme=d?'dark':'light'}catch(e){document.documentElement.dataset.theme='light'}})()";
