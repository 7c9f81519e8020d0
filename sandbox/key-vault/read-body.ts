import * as z from 'zod';

/** Key Vault's limits for what goes with a secret. */
const changes = z.object({
  contentType: z.string().max(255).optional(),
  tags: z
    .record(z.string().max(512), z.string().max(512))
    .refine((tags) => Object.keys(tags).length <= 15, 'at most 15 tags')
    .optional(),
  attributes: z
    .object({ enabled: z.boolean(), nbf: z.number().int(), exp: z.number().int() })
    .partial()
    .transform(withoutUndefined)
    .optional(),
});

const newSecret = changes.extend({ value: z.string().max(25_600, 'The value is longer than 25,600 characters') });

export type NewSecret = z.infer<typeof newSecret>;

/** The body of a `PUT`, or why it is refused. */
export function readNewSecret(body: Buffer) {
  return read(body, newSecret);
}

/** The body of a `PATCH`, or why it is refused. */
export function readChanges(body: Buffer) {
  return read(body, changes);
}

function read<T>(body: Buffer, schema: z.ZodType<T>): { readonly value: T } | { readonly problem: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return { problem: 'The body is not JSON.' };
  }
  const result = schema.safeParse(parsed);
  if (result.success) return { value: result.data };
  const [issue] = result.error.issues;
  return { problem: `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}` };
}

/** A property that is present and undefined would overwrite what a version has. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
