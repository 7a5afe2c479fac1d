/** As much of a browser as signing in by forms and redirects needs: cookies by origin, and no script. */
export interface WebBrowser {
  fetch(url: string, init?: { method?: string; form?: Record<string, string> }): Promise<Response>;
  /** Follows redirects until something else comes, or one leads to where `until` says. */
  follow(url: string, until?: (url: string) => boolean): Promise<{ url: string; body: string; status: number }>;
  cookies(origin: string): Record<string, string>;
}

const MOST_REDIRECTS = 20;

export function webBrowser(): WebBrowser {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string) => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };
  const browser: WebBrowser = {
    async fetch(url, { method, form } = {}) {
      const jar = jarOf(url);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, {
        method: method ?? (form === undefined ? 'GET' : 'POST'),
        redirect: 'manual',
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [pair = '', ...attributes] = line.split(';');
        const at = pair.indexOf('=');
        const gone = attributes.some((each) => /^\s*(?:max-age=0|expires=thu, 01 jan 1970)/i.test(each));
        if (gone || at === pair.length - 1) jar.delete(pair.slice(0, at));
        else jar.set(pair.slice(0, at), pair.slice(at + 1));
      }
      return answer;
    },
    async follow(start, until = () => false) {
      let url = start;
      for (let i = 0; i < MOST_REDIRECTS; i++) {
        if (until(url)) return { url, body: '', status: 0 };
        const answer = await browser.fetch(url);
        const location = answer.headers.get('location');
        if (location === null) return { url, body: await answer.text(), status: answer.status };
        url = new URL(location, url).href;
      }
      throw new Error(`too many redirects, at ${url}`);
    },
    cookies: (origin) => Object.fromEntries(jarOf(origin)),
  };
  return browser;
}
