/**
 * What can be wrong with one field of a request or message: `code` of an entry of `errors`, and the beginning of the
 * `reason` of a mail that was refused at intake. The one catalogue; docs/errors.md is written from it.
 */
export const FIELD_CODES = {
  required: 'The field is missing.',
  unknown_field: 'There is no such field; the pointer names it. A misspelled field is refused, not ignored.',
  wrong_type: 'The value is of another type, for example a text instead of a list.',
  invalid: 'The value has another form than the field’s description says, or is none of the values that it may have.',
  too_large: 'The text is longer, the list has more items, or the number is higher than the limit.',
  too_small: 'The text is shorter, the list has fewer items, or the number is lower than the limit.',
  empty: 'The request changes nothing: none of the fields that it may name is there.',
  not_json: 'The body is not JSON.',
  not_utf8: 'The body is not UTF-8.',
  content_type: 'The header Content-Type does not say application/json.',
  repeated: 'A query parameter is given twice.',
  not_a_next: '`after` is not a `next` of this list.',
  not_unicode: 'The text holds half a character (an unpaired surrogate).',
  control_character:
    'The text holds a control character, which may be a line break, or a line or paragraph separator (U+2028, U+2029); in the content of a body, NUL.',
  bidirectional_override:
    'The text holds a character that turns the reading direction around (U+202A to U+202E, U+2066 to U+2069), with which names and files can look like others.',
  no_recipient: 'The mail has nobody in `to`, `cc` and `bcc`.',
  too_many_recipients: 'The mail has more recipients than Exchange, or the limit of 24 hours, lets through at once.',
  from_not_supported: 'Mail goes from the linked mailbox; `from` and `sender` do not exist.',
  too_many_headers: 'The mail has more than four headers.',
  header_repeated: 'Two headers differ in case alone.',
  header_reserved: 'The header’s name begins as Microsoft’s or ours do.',
  inline_id_repeated: 'Two attachments have the same `inlineId`.',
  attachments_too_large: 'The attachments together are larger than Graph takes in one request.',
  mail_too_large: 'The mail as a whole, or its blob, is larger than Graph takes in one request.',
  content_twice: 'The mail has `contentBlob` and also `body` or `attachments`.',
  content_blob_foreign: '`contentBlob` does not lie below `{customerId}/{connectionId}/`.',
  content_blob_missing: 'There is no such blob.',
  content_blob_invalid: 'The blob does not hold `{body, attachments}` as JSON.',
  send_at_past: '`sendAt` is over. Over HTTP only: from the queue it means now.',
  send_at_too_far: '`sendAt` is more than a year ahead.',
  expires_before_send: '`expiresAt` is not after `sendAt`.',
  expires_in_past: '`expiresAt` is over. Over HTTP only: from the queue the mail is taken in and ends as `expired`.',
  expires_too_far: '`expiresAt` is more than two years ahead.',
  secret_is_id: 'That is the ID of the client secret, not its value.',
  tenant_unknown: 'Microsoft knows no organization of this name.',
  wrong_tenant: 'The mailbox is of another organization than the tenant, or than the connection that is linked again.',
  personal_account: 'The mailbox is a personal one, and the application takes none.',
  return_not_registered: '`returnTo` is no name of the setting `LINK_RETURN_URLS`.',
} as const;

export type FieldCode = keyof typeof FIELD_CODES;

/** Message and code of a rule of a schema that has a code of its own. */
export function because(code: FieldCode, message: string) {
  return { message, params: { code } };
}
