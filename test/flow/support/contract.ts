import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

interface Described {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

const file = new URL('../../../docs/api/openapi.json', import.meta.url);
export const OPENAPI = JSON.parse(readFileSync(file, 'utf8')) as Document;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(OPENAPI, 'openapi.json');

const ROUTES = Object.entries(OPENAPI.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, described]) => ({
    path,
    method: method.toUpperCase(),
    described,
    matches: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    literal: path.replace(/\{\w+\}/g, '').length,
  })),
);

/** What an answer breaks of the published description; undefined when it keeps to it, or when no route was meant. */
export function breachOf(
  method: string,
  url: string,
  answer: { readonly status: number; readonly type: string; readonly text: string },
): string | undefined {
  const [path = ''] = url.split('?');
  // The most literal route, as the host chooses it: `mails/retry` before `mails/{mailId}`.
  const [route] = ROUTES.filter((each) => each.method === method && each.matches.test(path)).sort(
    (a, b) => b.literal - a.literal,
  );
  // The host itself answers a route that is none, and a key that it does not know.
  if (!route || ((answer.status === 401 || answer.status === 404) && answer.text === '')) return undefined;
  const name = `${route.described.operationId} (${method} ${route.path})`;
  const response = route.described.responses[answer.status];
  if (!response) return `${name} is not described to answer ${answer.status}: ${answer.text}`;
  if (!response.content) return undefined;
  const [type = ''] = answer.type.split(';');
  if (!(type in response.content)) return `${name} is not described to answer ${answer.status} with ${type}`;
  if (!type.endsWith('json')) return undefined;
  const validate = schemaAt([
    'paths',
    route.path,
    method.toLowerCase(),
    'responses',
    String(answer.status),
    'content',
    type,
  ]);
  if (validate(JSON.parse(answer.text))) return undefined;
  return `${name} answered ${answer.status} with what docs/api/openapi.json does not describe: ${ajv.errorsText(validate.errors)}\n${answer.text}`;
}

/** The schema of a media type, or of a component, somewhere in the description. */
export function schemaAt(keys: readonly string[]): ValidateFunction {
  const pointer = [...keys, 'schema'].map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
  const validate = ajv.getSchema(`openapi.json#/${pointer.join('/')}`);
  if (!validate) throw new Error(`The description has nothing at ${keys.join(' → ')}.`);
  return validate;
}
