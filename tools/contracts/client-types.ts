/** Types of the TypeScript client, out of the description. Handles the keywords that our schemas use, and throws at others. */
import type { JsonSchema } from './schemas.ts';

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly parameters: Readonly<Record<string, { readonly name: string; readonly in: string }>>;
  };
}

interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly (JsonSchema & { readonly schema?: JsonSchema })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>> }>
  >;
}

/** The text of the file. */
export function clientTypes(document: JsonSchema): string {
  const description = document as unknown as Description;
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => !tags.includes('Browser'))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return [
    '// Generated from docs/api/openapi.json: npm run contracts.',
    '',
    ...Object.entries(description.components.schemas).flatMap(([name, schema]) => [
      ...comment(schema, ''),
      `export type ${name} = ${typeOf(schema, '')};`,
      '',
    ]),
    '/** What each operation takes and answers. */',
    'export interface Operations {',
    ...operations.flatMap(({ operation }) => [
      `  /** ${operation.summary}. */`,
      `  readonly '${operation.operationId}': ${signature(operation, description)};`,
    ]),
    '}',
    '',
    '/** Where each operation is. */',
    'export const ROUTES = {',
    ...operations.map(({ path, method, operation }) => `  '${operation.operationId}': ['${method}', '${path}'],`),
    '} as const satisfies Readonly<Record<keyof Operations, readonly [method: string, path: string]>>;',
    '',
  ].join('\n');
}

function signature(operation: OperationObject, { components }: Description): string {
  const inPath = operation.parameters
    .flatMap((each) => (typeof each['$ref'] === 'string' ? [components.parameters[nameIn(each['$ref'])]] : []))
    .filter((each) => each?.in === 'path')
    .map((each) => `readonly ${each?.name}: string`);
  const inQuery = operation.parameters
    .filter((each) => each['in'] === 'query')
    .map((each) => `readonly ${each['name']}${each['required'] ? '' : '?'}: ${typeOf(each.schema ?? {}, '    ')}`);
  const body = operation.requestBody?.content['application/json']?.schema;
  const answers = Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content }]) => typeOf(content?.['application/json']?.schema ?? {}, '    '));
  const input = [
    ...(inPath.length > 0 ? [`readonly path: { ${inPath.join('; ')} }`] : []),
    ...(inQuery.length > 0
      ? [`readonly query${inQuery.every((each) => each.includes('?:')) ? '?' : ''}: { ${inQuery.join('; ')} }`]
      : []),
    ...(body ? [`readonly body: ${typeOf(body, '    ')}`] : []),
  ];
  return `{ readonly input: { ${input.join('; ')} }; readonly answer: ${[...new Set(answers)].join(' | ')} }`;
}

const nameIn = (reference: string) => reference.slice(reference.lastIndexOf('/') + 1);

function typeOf(schema: JsonSchema, indent: string): string {
  if (typeof schema['$ref'] === 'string') return nameIn(schema['$ref']);
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return schema['enum'].map((each) => JSON.stringify(each)).join(' | ');
  // An object whose forms differ in some fields: what they have in common, and what each demands or excludes.
  if (schema['type'] === 'object' && Array.isArray(schema['oneOf']))
    return `${objectType(schema, indent)} & (${(schema['oneOf'] as readonly JsonSchema[]).map((each) => demands(each, schema, indent)).join(' | ')})`;
  const union = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  if (union) return union.map((each) => typeOf(each, indent)).join(' | ');
  switch (schema['type']) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      const item = typeOf(schema['items'] as JsonSchema, indent);
      return `readonly ${/[|&{ ]/.test(item) ? `(${item})` : item}[]`;
    }
    case 'object':
      return objectType(schema, indent);
  }
  throw new Error(`No type for ${JSON.stringify(schema).slice(0, 200)}: teach tools/contracts/client-types.ts.`);
}

function objectType(schema: JsonSchema, indent: string): string {
  const properties = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>);
  if (properties.length === 0) {
    const values = schema['additionalProperties'];
    return `Readonly<Record<string, ${typeof values === 'object' ? typeOf(values as JsonSchema, indent) : 'unknown'}>>`;
  }
  const required = (schema['required'] ?? []) as readonly string[];
  const inner = `${indent}  `;
  const lines = properties.flatMap(([name, each]) => [
    ...comment(each, inner),
    `${inner}readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(each, inner)};`,
  ]);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

/** What a form of an object demands and excludes. */
function demands({ required, properties }: JsonSchema, whole: JsonSchema, indent: string): string {
  const all = whole['properties'] as Readonly<Record<string, JsonSchema>>;
  const demanded = ((required ?? []) as readonly string[]).map(
    (name) => `readonly ${name}: ${typeOf(all[name] ?? {}, indent)}`,
  );
  const excluded = Object.entries((properties ?? {}) as Readonly<Record<string, unknown>>)
    .filter(([, each]) => each === false)
    .map(([name]) => `readonly ${name}?: never`);
  return `{ ${[...demanded, ...excluded].join('; ')} }`;
}

function comment({ description }: JsonSchema, indent: string): string[] {
  if (typeof description !== 'string') return [];
  const lines = description.split('\n');
  if (lines.length === 1) return [`${indent}/** ${description} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`];
}
