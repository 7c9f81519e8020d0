import * as z from 'zod';

/** A JSON Schema as it is written into a document. */
export interface JsonSchema {
  [keyword: string]: unknown;
}

/** Named schemas as JSON Schemas that refer to each other by name. */
export function namedSchemas(
  named: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
  uri: (name: string) => string,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri,
    // What has no counterpart is `from`, which is refused: see `tidy`.
    unrepresentable: 'any',
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, tidy(schema as JsonSchema)]));
}

/** One schema by itself. */
export function singleSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return tidy(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema);
}

/** Without what only describes the single document, and without fields that exist to be refused. */
function tidy(schema: JsonSchema): JsonSchema {
  const { $schema: _, $id: _id, ...rest } = schema;
  return walk(rest) as JsonSchema;
}

function walk(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, each]) => !(key === 'pattern' && isHopeless(each)));
  const walked = Object.fromEntries(
    entries.map(([key, each]) => [key, key === 'properties' ? shown(each) : walk(each)]),
  );
  // Whole numbers that a double can hold: true of every number in JSON.
  if (walked['minimum'] === Number.MIN_SAFE_INTEGER) delete walked['minimum'];
  if (walked['maximum'] === Number.MAX_SAFE_INTEGER) delete walked['maximum'];
  // No format of JSON Schema, and strict validators refuse it; `contentEncoding` says the same.
  if (walked['format'] === 'base64') delete walked['format'];
  // A query parameter arrives as text; what it stands for is what its description says.
  if (walked['type'] === 'integer') delete walked['pattern'];
  return walked;
}

function shown(properties: unknown): unknown {
  const all = Object.entries(properties as Readonly<Record<string, object>>);
  return Object.fromEntries(
    all.filter(([, each]) => Object.keys(each).length > 0).map(([name, each]) => [name, walk(each)]),
  );
}

/** The pattern of a date says what `format` says, in 200 characters that nobody reads. */
function isHopeless(pattern: unknown): boolean {
  return typeof pattern === 'string' && pattern.includes('[13579][26]');
}
