import type { Account } from '../directory.ts';
import type { Call } from '../kit/serve.ts';
import { failure, type GraphFailure } from './failure.ts';
import { type GraphMessage, type GraphRecipient, type SendMailParameters, sendMailParameters } from './message.ts';

const LARGEST_REQUEST = 4_194_304;
const MOST_RECIPIENTS = 500;
const MOST_HEADERS = 5;

/** One `@`, no space, control character or separator, no dot at an edge. Exchange looks no closer before transport. */
const ADDRESS = /^(?!\.)[^\s@<>()[\],;:"\\\p{Cc}]+(?<!\.)@(?![.-])[^\s@<>()[\],;:"\\\p{Cc}]+(?<![.-])$/u;
const CUSTOM_HEADER = /^x-[!-9;-~]+$/i;
const CONTROL = /\p{Cc}/u;

/** Reads a `sendMail` request; a failure is what Graph would say about its syntax. */
export function readSendMail(call: Call): SendMailParameters | GraphFailure {
  if (call.body.length > LARGEST_REQUEST)
    return failure(413, 'RequestEntityTooLarge', 'The maximum request length supported is 4MB.');
  if (call.body.length === 0) return failure(400, 'BadRequest', 'Empty payload: JSON content is expected.');
  if (!/^application\/json\b/i.test(call.headers['content-type'] ?? ''))
    return failure(400, 'BadRequest', 'Content-Type must be application/json; the stand-in takes no MIME.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(call.body.toString('utf8'));
  } catch {
    return failure(400, 'BadRequest', 'The payload cannot be read as JSON.');
  }
  const result = sendMailParameters.safeParse(parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  return failure(400, 'RequestBodyRead', `At /${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'not readable'}.`);
}

/** What Exchange refuses about a message that is well formed, or undefined. */
export function refusalOf(message: GraphMessage, account: Account): GraphFailure | undefined {
  return refusedSender(message, account) ?? refusedRecipients(message) ?? refusedHeaders(message);
}

function refusedSender(message: GraphMessage, account: Account): GraphFailure | undefined {
  const others = [message.from, message.sender].map((sender) => sender?.emailAddress?.address);
  if (others.every((address) => !address || address.toLowerCase() === account.address.toLowerCase())) return undefined;
  return failure(403, 'ErrorSendAsDenied', `${account.address} may not send as another mailbox.`);
}

function refusedRecipients(message: GraphMessage): GraphFailure | undefined {
  const recipients = recipientsOf(message);
  if (recipients.length === 0)
    return failure(400, 'ErrorInvalidRecipients', 'The message cannot be sent because it has no recipients.');
  if (![...recipients, ...(message.replyTo ?? [])].every(hasUsableAddress))
    return failure(400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.');
  if (recipients.length > MOST_RECIPIENTS)
    return failure(400, 'ErrorRecipientLimitExceeded', `A message may have ${MOST_RECIPIENTS} recipients at most.`);
  return undefined;
}

function refusedHeaders(message: GraphMessage): GraphFailure | undefined {
  const headers = message.internetMessageHeaders ?? [];
  if (headers.length > MOST_HEADERS)
    return failure(
      400,
      'InvalidInternetMessageHeaderCollection',
      `A message may have ${MOST_HEADERS} internet message headers at most.`,
    );
  const bad = headers.find(({ name, value }) => !CUSTOM_HEADER.test(name ?? '') || CONTROL.test(value ?? ''));
  if (!bad) return undefined;
  return failure(
    400,
    'InvalidInternetMessageHeader',
    `The internet message header '${bad.name ?? ''}' must be named x-… and hold one line of text.`,
  );
}

/** Everybody who gets the mail, in the order to, cc, bcc. */
function recipientsOf(message: GraphMessage): readonly GraphRecipient[] {
  return [message.toRecipients, message.ccRecipients, message.bccRecipients].flatMap((list) => list ?? []);
}

function hasUsableAddress(recipient: GraphRecipient): boolean {
  return ADDRESS.test(recipient.emailAddress?.address ?? '');
}
