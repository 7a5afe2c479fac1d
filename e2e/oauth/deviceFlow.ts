/** A program's side of RFC 8628, and a person with a browser that says yes: the issuer's own pages and forms, followed as they come. */

interface Cookies {
  header(): string;
  take(response: Response): void;
}

function cookieJar(): Cookies {
  const jar = new Map<string, string>();
  return {
    header: () => [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
    take(response) {
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') jar.delete(name);
        else jar.set(name, value);
      }
    },
  };
}

/** Fills in whatever form comes, as this person, until none does. */
export async function confirmDevice(address: string, person: string): Promise<void> {
  const cookies = cookieJar();
  let url = address;
  let form: URLSearchParams | null = null;
  for (let step = 0; step < 20; step++) {
    const response: Response = await fetch(url, {
      method: form === null ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: cookies.header() },
      ...(form === null ? {} : { body: form }),
    });
    cookies.take(response);
    const location = response.headers.get('location');
    if (location !== null) {
      url = new URL(location, url).href;
      form = null;
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (action === undefined) {
      if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
      return;
    }
    url = new URL(action.replaceAll('&amp;', '&'), url).href;
    form = new URLSearchParams();
    for (const [input] of page.matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? (name === 'login' ? person : 'anything'));
    }
  }
  throw new Error('the issuer asks on and on');
}

/** An access token by the device flow, from the discovery document on. */
export async function deviceToken(options: { discovery: string; scope: string; clientId: string; person: string }): Promise<string> {
  const endpoints = (await (await fetch(options.discovery)).json()) as { device_authorization_endpoint: string; token_endpoint: string };
  const post = async (url: string, fields: Record<string, string>) =>
    (await (await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })).json()) as Record<string, string>;
  const started = await post(endpoints.device_authorization_endpoint, { client_id: options.clientId, scope: options.scope });
  const { device_code: deviceCode, verification_uri_complete: address } = started;
  if (deviceCode === undefined || address === undefined) throw new Error(`no device flow: ${JSON.stringify(started)}`);
  await confirmDevice(address, options.person);
  const done = await post(endpoints.token_endpoint, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    client_id: options.clientId,
    device_code: deviceCode,
  });
  if (done.access_token === undefined) throw new Error(`no token: ${JSON.stringify(done)}`);
  return done.access_token;
}
