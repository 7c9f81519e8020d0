import { patchConnectionSchema } from '../../shared/connections/change-connection.ts';
import { rotateSecretSchema } from '../../shared/connections/rotate-secret.ts';
import { testMailSchema } from '../../shared/connections/send-test-mail.ts';
import { leaversSchema } from '../../shared/customers/leavers.ts';
import { checkApplicationSchema, confirmLinkSchema, startLinkSchema } from '../../shared/linking/requests.ts';
import { resolveManySchema, resolveSchema, retryManySchema, retrySchema } from '../../shared/mail/act-on-mail.ts';
import { attachment, body, mailSchema, recipient } from '../../shared/mail/message.ts';

/** Bodies that the endpoints take, and what recurs in them, by the names under which the description has them. */
export const REQUESTS = {
  StartLink: startLinkSchema,
  CheckApplication: checkApplicationSchema,
  ConfirmLink: confirmLinkSchema,
  PatchConnection: patchConnectionSchema,
  TestMail: testMailSchema,
  RotateSecret: rotateSecretSchema,
  Mail: mailSchema,
  Retry: retrySchema,
  Resolve: resolveSchema,
  RetryMany: retryManySchema,
  ResolveMany: resolveManySchema,
  Leavers: leaversSchema,
  Recipient: recipient,
  MailBody: body,
  Attachment: attachment,
} as const;
export type RequestName = keyof typeof REQUESTS;
