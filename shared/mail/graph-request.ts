import { withAsciiDomain } from './address.ts';
import type { Attachment, Recipient } from './message.ts';
import type { MailContent } from './prepare.ts';

/** Header by which a mail in a mailbox leads back to its record. */
export const MAIL_ID_HEADER = 'x-outlook-sender-mail-id';

/** JSON of Graph's sendMail action: https://learn.microsoft.com/graph/api/user-sendmail */
export function graphRequest(content: MailContent, mailId: string): string {
  const { body, attachments, importance, headers } = content;
  const extra = Object.entries(headers ?? {}).map(([name, value]) => ({ name, value }));
  const message = {
    subject: content.subject,
    body: { contentType: body?.contentType === 'html' ? 'HTML' : 'Text', content: body?.content ?? '' },
    toRecipients: content.to.map(graphRecipient),
    ...list('ccRecipients', content.cc),
    ...list('bccRecipients', content.bcc),
    ...list('replyTo', content.replyTo),
    ...(importance && importance !== 'normal' && { importance }),
    internetMessageHeaders: [{ name: MAIL_ID_HEADER, value: mailId }, ...extra],
    ...(attachments && attachments.length > 0 && { attachments: attachments.map(graphAttachment) }),
  };
  // Graph saves to Sent Items unless told otherwise, and wants the field only then.
  return JSON.stringify({ message, ...(content.saveToSentItems === false && { saveToSentItems: false }) });
}

function list(name: string, recipients: readonly Recipient[] | undefined) {
  return recipients && recipients.length > 0 ? { [name]: recipients.map(graphRecipient) } : {};
}

function graphRecipient(recipient: Recipient) {
  const name = 'name' in recipient ? recipient.name : undefined;
  return { emailAddress: { address: withAsciiDomain(recipient.address), ...(name && { name }) } };
}

function graphAttachment(attachment: Attachment) {
  const { name, contentType, contentBytes, inlineId } = attachment;
  return {
    '@odata.type': '#microsoft.graph.fileAttachment',
    name,
    contentType,
    contentBytes,
    ...(inlineId && { contentId: inlineId, isInline: true }),
  };
}
