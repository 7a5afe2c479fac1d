/**
 * Runs before the first paint, so that a dark page never flashes light, and again when the device changes. Kept tiny: it is inlined into
 * every document.
 */
export const THEME_SCRIPT =
  "(function(){var m=matchMedia('(prefers-color-scheme: dark)');function s(){var t=null;try{t=localStorage.getItem('gatehouse.theme')}catch(e){}document.documentElement.dataset.theme=t==='dark'||(t!=='light'&&m.matches)?'dark':'light'}s();m.addEventListener('change',s)})()";
