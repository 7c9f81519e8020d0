/** What a route decides on: the path without query, still percent-encoded, and the method. */
export interface Target {
  readonly method: string;
  readonly path: string;
}

export interface Match<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

export interface RouteOptions<T> {
  /** With the prefix, without a leading slash: `api/users/{id:int}`. */
  readonly template: string;
  /** Undefined means every method. */
  readonly methods: readonly string[] | undefined;
  readonly value: T;
}

interface Segment {
  readonly rank: number;
  readonly pattern: string;
  readonly name?: string;
}

interface Route<T> {
  readonly segments: readonly Segment[];
  readonly pattern: RegExp;
  readonly methods: ReadonlySet<string> | undefined;
  readonly value: T;
}

const CONSTRAINTS: Readonly<Record<string, string>> = {
  int: '-?\\d{1,10}',
  long: '-?\\d{1,19}',
  guid: '\\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\\}?',
  alpha: '[a-z]*',
  bool: 'true|false',
};

/** ASP.NET's precedence of segments: the smaller, the earlier. */
const RANK = { literal: 1, constrained: 2, parameter: 3, rest: 4 } as const;

/** The route table of the real host: the most literal template first, a method that is not listed is no match. */
export class RouteTable<T> {
  private readonly routes: readonly Route<T>[];

  constructor(options: readonly RouteOptions<T>[]) {
    this.routes = options.map(compile).sort(compare);
  }

  /** The first route for this target. Throws URIError when the path is not well-formed. */
  find({ method, path }: Target): Match<T> | undefined {
    for (const route of this.routes) {
      const hit = (route.methods?.has(method) ?? true) && route.pattern.exec(path);
      if (hit) return { value: route.value, params: parameters(route, hit) };
    }
    return undefined;
  }
}

function compile<T>({ template, methods, value }: RouteOptions<T>): Route<T> {
  const segments = template
    .split('/')
    .filter((part) => part !== '')
    .map(segment);
  return {
    segments,
    pattern: new RegExp(`^${segments.map(({ pattern }) => pattern).join('')}/?$`, 'i'),
    methods: methods && new Set(methods.map((method) => method.toUpperCase())),
    value,
  };
}

function segment(text: string): Segment {
  if (!text.includes('{')) return { rank: RANK.literal, pattern: `/${literal(text)}` };
  const parts = /^\{(\*{0,2})(\w+)(?::(\w+))?(\?)?\}$/.exec(text);
  const [, star, name, constraint, optional] = parts ?? [];
  if (name === undefined || (constraint !== undefined && !(constraint in CONSTRAINTS)))
    throw new Error(`The route segment '${text}' is not supported by the development host.`);
  if (star) return { rank: RANK.rest, pattern: '(?:/(.*))?', name };
  const value = constraint === undefined ? '[^/]+' : (CONSTRAINTS[constraint] ?? '');
  const rank = constraint === undefined ? RANK.parameter : RANK.constrained;
  return { rank, pattern: optional ? `(?:/(${value}))?` : `/(${value})`, name };
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function compare(left: Route<unknown>, right: Route<unknown>): number {
  for (const [index, { rank }] of left.segments.entries()) {
    const other = right.segments[index];
    if (!other) return 1;
    if (other.rank !== rank) return rank - other.rank;
  }
  return left.segments.length - right.segments.length;
}

function parameters(route: Route<unknown>, hit: RegExpExecArray): Record<string, string> {
  const names = route.segments.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const text = hit[index + 1];
      return text === undefined ? [] : [[name, decode(text)] as const];
    }),
  );
}

/** An encoded slash stays encoded, as in ASP.NET: decoded, it would look like a separator. */
function decode(text: string): string {
  return text
    .split(/%2f/i)
    .map((part) => decodeURIComponent(part))
    .join('%2F');
}
