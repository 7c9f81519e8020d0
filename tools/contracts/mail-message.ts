import { CALLER_ID } from '../../shared/ids.ts';
import { attachment, body, queueMessageSchema, recipient } from '../../shared/mail/message.ts';
import { QUEUE_MESSAGE } from './examples.ts';
import { type JsonSchema, namedSchemas } from './schemas.ts';

/** A mail has its body, or a blob that stands instead of body and attachments. Zod has no words for that. */
export const EITHER_CONTENT: JsonSchema = {
  oneOf: [
    { type: 'object', required: ['body'], properties: { body: {}, contentBlob: false } },
    {
      type: 'object',
      required: ['contentBlob'],
      properties: { contentBlob: {}, body: false, attachments: false },
    },
  ],
};

/**
 * JSON Schema of the queue message. What it accepts, the app may still refuse: sums, sizes, times and whose connection it
 * is are beyond a schema. What it refuses, the app refuses.
 */
export function mailMessageSchema(): JsonSchema {
  const named = { QueueMessage: queueMessageSchema, Recipient: recipient, MailBody: body, Attachment: attachment };
  const { QueueMessage: message = {}, ...definitions } = namedSchemas(named, 'input', (name) => `#/$defs/${name}`);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:robomq:outlook-sender:mail-message-v1',
    title: 'Message on the queue outlook-mail, version 1',
    description: `JSON as plain text or base64, at most 64 KB as it lies on the queue. Ids match ${CALLER_ID.source}.`,
    ...message,
    ...EITHER_CONTENT,
    $defs: definitions,
    examples: [QUEUE_MESSAGE],
  };
}
