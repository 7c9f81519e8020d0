import * as z from 'zod';
import { CALLER_ID, isGuid, isOwnId } from '../ids.ts';

/** Half a character cannot be written as UTF-8: it would be stored, hashed and compared as another one. */
const isUnicode = (value: string) => value.isWellFormed();

/** Id of a session of Hire2Retire's. Opaque: compared byte by byte, and stored as a hash. */
const startedBy = z.string().min(1).max(512).refine(isUnicode, 'must be well-formed Unicode');

/** Text that shows on pages and in lists: one line, no control characters. Unicode has line breaks of its own. */
const line = (maximum: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maximum)
    .refine((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), 'must not contain control characters')
    .refine(isUnicode, 'must be well-formed Unicode');

/** A sign-in name. Good enough to take a domain from; Microsoft judges the rest. */
const signInName = line(320).regex(
  /^[^\s@]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/,
  'must be an address such as hr@example.com',
);

export const customerId = z.string().regex(CALLER_ID, 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$');
export const connectionId = z.string().refine((value) => isOwnId(value, 'con'), 'is not the id of a connection');

const guid = z.string().trim().refine(isGuid, 'must be a GUID');

/** A tenant GUID or a verified domain. Never one of the shared authorities: they are not a tenant. */
const tenant = z
  .string()
  .trim()
  .toLowerCase()
  .refine(
    (value) => isGuid(value) || /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value),
    'must be the tenant’s GUID or a domain',
  )
  .refine((value) => value !== '9188040d-6c67-4c5b-b112-36a304b66dad', 'must not be the tenant of personal accounts');

/** An ISO date that is not over yet. */
export const expiryDate = z.iso.date().refine((value) => Date.parse(value) > Date.now(), 'must be in the future');

const secretText = z
  .string()
  .trim()
  .min(8)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

export const clientSecret = secretText.refine((value) => !isGuid(value), {
  message: 'is the secret’s ID; the column Value is needed',
  params: { code: 'secret_is_id' },
});

const application = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('serviceProvider') }),
  z.strictObject({
    kind: z.literal('customerOwned'),
    clientId: guid,
    clientSecret,
    clientSecretExpiresOn: expiryDate.optional(),
    tenant: tenant.optional(),
  }),
]);

/** Body of `POST auth/link/Outlook`. */
export const startLinkSchema = z.strictObject({
  customerId,
  startedBy,
  returnTo: z.string().regex(CALLER_ID),
  displayName: line(100).optional(),
  loginHint: signInName.optional(),
  expectedMailbox: signInName.optional(),
  connectionId: connectionId.optional(),
  application,
});
export type StartLinkRequest = z.infer<typeof startLinkSchema>;

/** Body of `POST auth/check/Outlook`. A secret's ID passes: that it is one is an answer of the check. */
export const checkApplicationSchema = z.strictObject({
  tenant: tenant.optional(),
  clientId: guid,
  clientSecret: secretText,
});
export type CheckApplicationRequest = z.infer<typeof checkApplicationSchema>;

/** Body of `POST auth/link/Outlook/{linkId}/confirm`. */
export const confirmLinkSchema = z.strictObject({
  customerId,
  startedBy,
  confirmation: z.string().min(1).max(512),
});
export type ConfirmLinkRequest = z.infer<typeof confirmLinkSchema>;
