import { type Form, readForms, textOf } from './html.ts';

/** What a browser shows, or a redirect that it was told not to follow. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly text: string;
  readonly forms: readonly Form[];
  /** Where a redirect leads that was not followed. */
  readonly location: string | undefined;
}

const MOST_REDIRECTS = 10;

/** A browser without scripts: keeps cookies, follows redirects, fills in forms and clicks buttons. */
export class FormBrowser {
  /** Every answer that it got, redirects among them. */
  readonly history: Page[] = [];
  /** By host name and cookie name. As in real browsers, the port plays no part. */
  private readonly cookies = new Map<string, Map<string, string>>();

  /** @param stopAt a redirect to an address that holds this is not followed */
  open(url: string, stopAt?: string): Promise<Page> {
    return this.visit(url, {}, stopAt);
  }

  /**
   * Clicks a button, with what was typed into the fields of its form.
   * @throws when the page has no such button or its form no such field
   */
  click(page: Page, button: string, typed: Readonly<Record<string, string>> = {}, stopAt?: string): Promise<Page> {
    const form = page.forms.find(({ buttons }) => buttons.some(({ text }) => text === button));
    const pressed = form?.buttons.find(({ text }) => text === button);
    if (!form || !pressed) throw new Error(`There is no button "${button}" at ${page.url}: ${page.text.slice(0, 400)}`);
    const unknown = Object.keys(typed).filter((name) => !form.fields.has(name));
    if (unknown.length > 0) throw new Error(`The form of "${button}" has no field ${unknown.join(', ')}.`);
    const fields = new URLSearchParams([...form.fields]);
    for (const [name, value] of Object.entries(typed)) fields.set(name, value);
    if (pressed.name) fields.set(pressed.name, pressed.value);
    if (form.method === 'get') return this.visit(`${form.action}?${fields}`, {}, stopAt);
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(page.url).origin };
    return this.visit(form.action, { method: 'POST', body: fields.toString(), headers }, stopAt);
  }

  /** Every cookie value it was ever given, for the search for leaks. */
  cookieValues(): string[] {
    return this.history.flatMap(({ headers }) =>
      headers.getSetCookie().flatMap((line) => /^[^=]+=([^;]+)/.exec(line)?.[1] ?? []),
    );
  }

  private async visit(url: string, init: RequestInit, stopAt: string | undefined): Promise<Page> {
    let page = await this.fetch(url, init);
    for (let count = 0; page.location !== undefined; count += 1) {
      if (stopAt !== undefined && page.location.includes(stopAt)) return page;
      if (count >= MOST_REDIRECTS) throw new Error(`Redirected in a circle: ${page.location}`);
      page = await this.fetch(page.location, {});
    }
    return page;
  }

  private async fetch(url: string, init: RequestInit): Promise<Page> {
    const jar = this.jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) keep(jar, line);
    const body = await response.text();
    const target = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    const page = {
      url,
      status: response.status,
      headers: response.headers,
      body,
      text: textOf(body),
      forms: readForms(body, url),
      location: target === null ? undefined : new URL(target, url).href,
    };
    this.history.push(page);
    return page;
  }

  private jar(url: string): Map<string, string> {
    const { hostname } = new URL(url);
    const known = this.cookies.get(hostname);
    if (known) return known;
    const fresh = new Map<string, string>();
    this.cookies.set(hostname, fresh);
    return fresh;
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (/;\s*max-age=0\b/i.test(line)) jar.delete(name);
  else jar.set(name, value);
}
