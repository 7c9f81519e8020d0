import * as z from 'zod';

/**
 * The part of Graph's `message` resource that the stand-in takes. Objects are strict because Graph's reader is: a
 * property it does not know is refused, not ignored. Nearly everything in Graph's metadata may be null.
 */

/** Graph writes its enumerations in lower case and reads them in any. */
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.preprocess((value) => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(values));

const odataType = z.string().nullish();

const emailAddress = z.strictObject({
  '@odata.type': odataType,
  address: z.string().nullish(),
  name: z.string().nullish(),
});

const recipient = z.strictObject({ '@odata.type': odataType, emailAddress: emailAddress.nullish() });

const itemBody = z.strictObject({
  '@odata.type': odataType,
  contentType: oneOf(['text', 'html']).nullish(),
  content: z.string().nullish(),
});

const fileAttachment = z.strictObject({
  // Without it the reader takes the abstract base type, which has no bytes.
  '@odata.type': z.enum(['#microsoft.graph.fileAttachment', 'microsoft.graph.fileAttachment']),
  name: z.string().min(1),
  contentType: z.string().nullish(),
  contentBytes: z.base64(),
  contentId: z.string().nullish(),
  contentLocation: z.string().nullish(),
  isInline: z.boolean().nullish(),
  size: z.int().nullish(),
});

const internetMessageHeader = z.strictObject({
  '@odata.type': odataType,
  name: z.string().nullish(),
  value: z.string().nullish(),
});

const extendedProperty = z.strictObject({ '@odata.type': odataType, id: z.string(), value: z.string().nullish() });

const message = z.strictObject({
  '@odata.type': odataType,
  subject: z.string().nullish(),
  body: itemBody.nullish(),
  from: recipient.nullish(),
  sender: recipient.nullish(),
  toRecipients: z.array(recipient).nullish(),
  ccRecipients: z.array(recipient).nullish(),
  bccRecipients: z.array(recipient).nullish(),
  replyTo: z.array(recipient).nullish(),
  importance: oneOf(['low', 'normal', 'high']).nullish(),
  attachments: z.array(fileAttachment).nullish(),
  hasAttachments: z.boolean().nullish(),
  internetMessageHeaders: z.array(internetMessageHeader).nullish(),
  singleValueExtendedProperties: z.array(extendedProperty).nullish(),
  categories: z.array(z.string()).nullish(),
  isReadReceiptRequested: z.boolean().nullish(),
  isDeliveryReceiptRequested: z.boolean().nullish(),
});

/** The parameters of the action `sendMail`. */
export const sendMailParameters = z.strictObject({ message, saveToSentItems: z.boolean().nullish() });

export type GraphMessage = z.infer<typeof message>;
export type GraphRecipient = z.infer<typeof recipient>;
export type GraphFileAttachment = z.infer<typeof fileAttachment>;
export type SendMailParameters = z.infer<typeof sendMailParameters>;
