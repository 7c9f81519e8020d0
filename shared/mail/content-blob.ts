import type { FieldError } from '../errors.ts';
import type { FieldCode } from '../field-codes.ts';
import { sha256 } from '../ids.ts';
import { CONTAINERS } from '../storage-names.ts';
import { utf8 } from '../utf8.ts';
import type { MailDeps } from './deps.ts';
import { checkFields } from './field-errors.ts';
import type { ReadBlob } from './insert-mail.ts';
import { LIMITS } from './limits.ts';
import { blobContentSchema } from './message.ts';

/**
 * Reads the blob that a mail names, inside its connection's own folder of `mail-drop` only.
 * @returns what it holds with the ETag that every later read must find, or why it cannot be used
 */
export async function readContentBlob(
  deps: MailDeps,
  owner: { readonly customerId: string; readonly connectionId: string },
  name: string,
): Promise<ReadBlob | FieldError> {
  const prefix = `${owner.customerId}/${owner.connectionId}/`;
  const refuse = (code: FieldCode, detail: string): FieldError => ({ pointer: '/contentBlob', code, detail });
  const plain = name.startsWith(prefix) && !/(^|\/)\.{1,2}(\/|$)|\\|\/\/|\p{Cc}/u.test(name);
  if (!plain)
    return refuse('content_blob_foreign', `contentBlob must begin with ${prefix} and hold no . or .. segments.`);
  const blob = await deps.blobs.get(CONTAINERS.drop, name, LIMITS.httpBodyBytes);
  if (blob === undefined) return refuse('content_blob_missing', `There is no such blob in ${CONTAINERS.drop}.`);
  if (blob === 'tooLarge') return refuse('mail_too_large', `The blob has more than ${LIMITS.httpBodyBytes} bytes.`);
  const text = utf8(blob.content);
  if (text === undefined) return refuse('content_blob_invalid', 'The blob is not UTF-8.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return refuse('content_blob_invalid', 'The blob is not JSON.');
  }
  const content = checkFields(blobContentSchema, parsed);
  if (content.data) return { name, etag: blob.etag, hash: sha256(text), content: content.data };
  const [first] = content.errors;
  const where = first?.pointer ? `In the blob, ${first.pointer}` : 'The blob';
  return refuse('content_blob_invalid', `${where}: ${first?.detail ?? 'is invalid'}`);
}
