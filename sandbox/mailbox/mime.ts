import type { Attachment, SendMailOptions } from 'nodemailer';
import type { SentMail } from '../graph/graph.ts';
import type { GraphFileAttachment, GraphRecipient } from '../graph/message.ts';

/** The mail as Exchange would put it on the wire; bcc shows in the envelope only. */
export function toMime({ mailbox, name, message, at }: SentMail): SendMailOptions {
  const text = message.body?.content ?? '';
  // Any other encoding may touch line ends. What is empty has to be a text.
  const content = text === '' ? '' : ({ content: text, contentTransferEncoding: 'base64' } as const);
  const importance = message.importance ?? 'normal';
  return {
    from: { address: mailbox, name },
    to: addresses(message.toRecipients),
    cc: addresses(message.ccRecipients),
    bcc: addresses(message.bccRecipients),
    replyTo: addresses(message.replyTo),
    subject: message.subject ?? '',
    date: at,
    ...(message.body?.contentType === 'html' ? { html: content } : { text: content }),
    attachments: (message.attachments ?? []).map(attachment),
    headers: (message.internetMessageHeaders ?? []).map(({ name: key, value }) => ({
      key: key ?? '',
      value: value ?? '',
    })),
    ...(importance !== 'normal' && { priority: importance }),
    // Content comes with the request; a name of a file or a URL in it must stay text.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function addresses(recipients: readonly GraphRecipient[] | null | undefined) {
  return (recipients ?? []).map(({ emailAddress }) => ({
    address: emailAddress?.address ?? '',
    name: emailAddress?.name ?? '',
  }));
}

function attachment({ name, contentType, contentBytes, contentId, isInline }: GraphFileAttachment): Attachment {
  return {
    filename: name,
    content: Buffer.from(contentBytes, 'base64'),
    contentType: contentType ?? 'application/octet-stream',
    // Readers take an inline text that nothing refers to for a further part of the body.
    contentDisposition: isInline && contentId ? 'inline' : 'attachment',
    // Any other encoding may touch line ends.
    contentTransferEncoding: 'base64',
    ...(contentId && { cid: contentId }),
  };
}
