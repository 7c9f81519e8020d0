import * as z from 'zod';
import { CALLER_ID, isGuid, isOwnId, isSecretId } from '../ids.ts';

/** Half a character cannot be written as UTF-8: it would be stored, hashed and compared as another one. */
const isUnicode = (value: string) => value.isWellFormed();

/** Id of a session of Hire2Retire's. Opaque: compared byte by byte, and stored as a hash. */
const startedBy = z.string().min(1).max(512).refine(isUnicode, 'must be well-formed Unicode').meta({
  description: 'Opaque id of the signed-in session. The confirm must come from the same one.',
});

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
export const connectionId = z
  .string()
  .refine((value) => isOwnId(value, 'con'), 'is not the id of a connection')
  .meta({ pattern: '^con_[0-9a-f]{32}$' });

const guid = z.string().trim().refine(isGuid, 'must be a GUID').meta({ format: 'uuid' });

/** A tenant GUID or a verified domain. Never one of the shared authorities: they are not a tenant. */
const tenant = z
  .string()
  .trim()
  .toLowerCase()
  .refine(
    (value) => isGuid(value) || /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value),
    'must be the tenant’s GUID or a domain',
  )
  .refine((value) => value !== '9188040d-6c67-4c5b-b112-36a304b66dad', 'must not be the tenant of personal accounts')
  .meta({ description: 'Tenant ID or a verified domain of the organization.' });

/** An ISO date that is not over yet. */
export const expiryDate = z.iso
  .date()
  .refine((value) => Date.parse(value) > Date.now(), 'must be in the future')
  .meta({ description: 'Without it, 730 days are assumed.' });

const secretText = z
  .string()
  .trim()
  .min(8)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

export const clientSecret = secretText
  .refine((value) => !isSecretId(value), {
    message: 'is the secret’s ID; the column Value is needed',
    params: { code: 'secret_is_id' },
  })
  .meta({ description: 'The Value of a client secret, not its Secret ID.' });

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
  returnTo: z.string().regex(CALLER_ID).meta({ description: 'A name out of the setting LINK_RETURN_URLS.' }),
  displayName: line(100).optional(),
  loginHint: signInName.optional().meta({ description: 'Fills in the address on Microsoft’s page; no demand.' }),
  expectedMailbox: signInName.optional().meta({ description: 'The mailbox that must sign in.' }),
  connectionId: connectionId.optional().meta({ description: 'Only to link a connection again.' }),
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
  confirmation: z.string().min(1).max(512).meta({ description: 'What the return page got in its query.' }),
});
export type ConfirmLinkRequest = z.infer<typeof confirmLinkSchema>;
