/** One form of a page, as a browser without scripts understands it. */
export interface Form {
  /** Absolute. */
  readonly action: string;
  readonly method: 'get' | 'post';
  /** Names and values as they stand when the page is new. */
  readonly fields: ReadonlyMap<string, string>;
  readonly buttons: readonly Button[];
}

export interface Button {
  readonly text: string;
  readonly name: string;
  readonly value: string;
}

/** The forms of a page. Knows the HTML of the sandbox's pages, where attributes stand in double quotes. */
export function readForms(html: string, url: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head = '', inside = '']) => {
    const attributes = readAttributes(head);
    return {
      action: new URL(attributes.get('action') ?? url, url).href,
      method: attributes.get('method')?.toLowerCase() === 'post' ? 'post' : 'get',
      fields: new Map([...inputs(inside), ...textAreas(inside), ...selects(inside)]),
      buttons: buttons(inside),
    };
  });
}

/** What a page says, without its tags. */
export function textOf(html: string): string {
  const body = html.replace(/^.*<body[^>]*>/s, '').replace(/<(script|style)\b.*?<\/\1>/gs, '');
  return decode(body.replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Value of an attribute, wherever it stands first. */
export function attributeOf(html: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(html)?.[1];
  return value === undefined ? undefined : decode(value);
}

function inputs(html: string): [string, string][] {
  return [...html.matchAll(/<input\b([^>]*)>/g)].flatMap(([, head = '']) => {
    const attributes = readAttributes(head);
    const name = attributes.get('name');
    return name === undefined ? [] : [[name, attributes.get('value') ?? ''] as [string, string]];
  });
}

function textAreas(html: string): [string, string][] {
  return [...html.matchAll(/<textarea\b([^>]*)>(.*?)<\/textarea>/gs)].flatMap(([, head = '', text = '']) => {
    const name = readAttributes(head).get('name');
    return name === undefined ? [] : [[name, decode(text)] as [string, string]];
  });
}

function selects(html: string): [string, string][] {
  return [...html.matchAll(/<select\b([^>]*)>(.*?)<\/select>/gs)].flatMap(([, head = '', inside = '']) => {
    const name = readAttributes(head).get('name');
    const options = [...inside.matchAll(/<option\b([^>]*)>/g)].map(([, option = '']) => readAttributes(option));
    const chosen = options.find((option) => option.has('selected')) ?? options[0];
    return name === undefined ? [] : [[name, chosen?.get('value') ?? ''] as [string, string]];
  });
}

function buttons(html: string): Button[] {
  return [...html.matchAll(/<button\b([^>]*)>(.*?)<\/button>/gs)].map(([, head = '', inside = '']) => {
    const attributes = readAttributes(head);
    return { text: textOf(inside), name: attributes.get('name') ?? '', value: attributes.get('value') ?? '' };
  });
}

function readAttributes(head: string): Map<string, string> {
  return new Map(
    [...head.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, decode(value)]),
  );
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
    code === undefined ? (NAMED[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
