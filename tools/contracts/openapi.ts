import type { Endpoint } from '../../functions/http/endpoint.ts';
import { catalogueEntry, type ErrorCode } from '../../shared/errors.ts';
import { ANSWERS } from './answers.ts';
import { EXAMPLES } from './examples.ts';
import { EITHER_CONTENT } from './mail-message.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { REQUESTS } from './requests.ts';
import { type JsonSchema, namedSchemas, singleSchema } from './schemas.ts';

const component = (name: string) => `#/components/schemas/${name}`;
const reference = (name: string): JsonSchema => ({ $ref: component(name) });

/** Path parameters, wherever they occur. */
const PARAMETERS: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>> = {
  customerId: {
    description: 'A tenant of Hire2Retire.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' },
  },
  connectionId: { description: 'A linked mailbox.', schema: { type: 'string', pattern: '^con_[0-9a-f]{32}$' } },
  linkId: { description: 'One attempt to link.', schema: { type: 'string', pattern: '^lnk_[0-9a-f]{32}$' } },
  clientId: { description: 'Application (client) ID.', schema: { type: 'string', format: 'uuid' } },
  mailId: {
    description: 'The mail’s id on its connection.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' },
  },
};

/** The OpenAPI description of the endpoints. @throws when one of them is not described, or one described does not exist */
export function openapi(endpoints: readonly Endpoint[]): JsonSchema {
  assertDescribed(endpoints);
  const requests = namedSchemas(REQUESTS, 'input', component);
  requests['Mail'] = { ...requests['Mail'], ...EITHER_CONTENT };
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const endpoint of endpoints) {
    const operation = OPERATIONS[endpoint.name];
    if (!operation) continue;
    const path = `/${endpoint.route}`;
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: describe(endpoint, operation) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Outlook sender accounts for Hire2Retire',
      version: '1',
      description:
        'Links customers’ Outlook mailboxes and sends mail through them. Errors are problem documents (RFC 9457) whose `code` is what programs branch on; codes are never renamed. Every answer carries `x-correlation-id`, which a request may set.',
    },
    servers: [{ url: 'https://{host}/api', variables: { host: { default: 'hire2retire.robomq.io' } } }],
    tags: ['Linking', 'Connections', 'Mail', 'Browser', 'System'].map((name) => ({ name })),
    security: [{ functionKey: [] }, { entra: [] }],
    paths,
    components: {
      securitySchemes: {
        functionKey: {
          type: 'apiKey',
          in: 'header',
          name: 'x-functions-key',
          description: 'A function key. Never in the URL.',
        },
        entra: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'With API_AUTH=entra: an application’s token of Entra with the role Outlook.Manage.',
        },
      },
      parameters: {
        ...Object.fromEntries(
          Object.entries(PARAMETERS).map(([name, each]) => [name, { name, in: 'path', required: true, ...each }]),
        ),
        correlationId: CORRELATION,
      },
      headers: HEADERS,
      schemas: {
        ...requests,
        ...namedSchemas(ANSWERS, 'output', component),
      },
    },
  };
}

function assertDescribed(endpoints: readonly Endpoint[]): void {
  const missing = endpoints.filter(({ name }) => !(name in OPERATIONS));
  if (missing.length > 0) {
    const routes = missing.map(({ name, method, route }) => `${name} (${method} ${route})`).join(', ');
    throw new Error(
      `Not described: ${routes}. Add each to tools/contracts/operations.ts, its answer to answers.ts and an example to examples.ts; then run npm run contracts.`,
    );
  }
  const names = new Set(endpoints.map(({ name }) => name));
  const gone = Object.keys(OPERATIONS).filter((name) => !names.has(name));
  if (gone.length > 0)
    throw new Error(`Described in tools/contracts/operations.ts, but no endpoint: ${gone.join(', ')}.`);
}

function describe({ name, route, method, auth }: Endpoint, operation: Operation): JsonSchema {
  const example = EXAMPLES[name];
  const { tag, summary, description, body } = operation;
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(auth === 'anonymous' && { security: [] }),
    parameters: [...pathParameters(route), ...queryParameters(operation, example?.query), parameter('correlationId')],
    ...(body && {
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: reference(body),
            ...(example?.body !== undefined && { example: example.body }),
          },
        },
      },
    }),
    responses: { ...answers(operation, example), ...problems(operation, method, auth) },
  };
}

const CORRELATION: JsonSchema = {
  name: 'x-correlation-id',
  in: 'header',
  description: 'Comes back, and finds the log lines of the request. Drawn when it is absent or of another shape.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
};

const parameter = (name: string): JsonSchema => ({ $ref: `#/components/parameters/${name}` });

function pathParameters(route: string): JsonSchema[] {
  return [...route.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    if (!(name in PARAMETERS))
      throw new Error(`The path parameter ${name} has no entry in tools/contracts/openapi.ts.`);
    return parameter(name);
  });
}

function queryParameters({ query }: Operation, example: Readonly<Record<string, string>> = {}): JsonSchema[] {
  if (!query) return [];
  const { properties = {}, required = [] } = singleSchema(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(required.includes(name) && { required: true }),
    ...(description !== undefined && { description }),
    schema,
    ...(example[name] !== undefined && {
      example: schema['type'] === 'integer' ? Number(example[name]) : example[name],
    }),
  }));
}

const HEADERS = {
  'x-correlation-id': { schema: { type: 'string' } },
  location: { required: true, schema: { type: 'string', format: 'uri-reference' } },
  'retry-after': { description: 'Seconds.', schema: { type: 'integer' } },
} as const;

function headers(...names: (keyof typeof HEADERS)[]): JsonSchema {
  return Object.fromEntries(
    ['x-correlation-id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

function answers(operation: Operation, example: (typeof EXAMPLES)[string] | undefined): Record<string, JsonSchema> {
  const described = Object.entries(operation.answers).map(([status, [content, description]]) => {
    const located = content === 'redirect' || status === '202';
    const common = { description, headers: located ? headers('location') : headers() };
    if (content === 'redirect') return [status, common];
    if (content === 'page') return [status, { ...common, content: { 'text/html': {} } }];
    const schema = content === 'schema' ? { type: 'object' } : reference(content);
    const shown = example && example.status === Number(status) ? { example: example.answer } : {};
    return [status, { ...common, content: { 'application/json': { schema, ...shown } } }];
  });
  return Object.fromEntries(described) as Record<string, JsonSchema>;
}

/** Problem documents by status, each with the codes that can occur. */
function problems(
  operation: Operation,
  method: Endpoint['method'],
  auth: Endpoint['auth'],
): Record<string, JsonSchema> {
  if (operation.tag === 'Browser') return {};
  const common: ErrorCode[] = auth === 'anonymous' ? [] : ['invalid_request', 'key_in_url', 'unauthorized'];
  const body: ErrorCode[] = method === 'GET' ? [] : ['payload_too_large'];
  const codes = new Set<ErrorCode>([
    ...common,
    ...body,
    ...(operation.errors ?? []),
    'internal_error',
    'service_unavailable',
  ]);
  const byStatus = Map.groupBy(codes, (code) => catalogueEntry(code).status);
  const described = [...byStatus].map(([status, each]) => {
    const retry = status === 429 || status === 503 || status === 409;
    return [
      String(status),
      {
        description: descriptionOf(status, each),
        headers: retry ? headers('retry-after') : headers(),
        content: {
          'application/problem+json': {
            schema: { allOf: [reference('Problem'), { type: 'object', properties: { code: { enum: each } } }] },
          },
        },
      },
    ];
  });
  return Object.fromEntries(described) as Record<string, JsonSchema>;
}

function descriptionOf(status: number, codes: readonly ErrorCode[]): string {
  const listed = `Problem: ${codes.map((code) => `\`${code}\``).join(', ')}.`;
  // The Functions host answers these itself, before the app is asked.
  return status === 401 ? `${listed} With function keys the body is empty.` : listed;
}
