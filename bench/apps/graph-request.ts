interface QueuedMail {
  readonly connectionId: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: { readonly contentType: string; readonly content: string };
}

/** Body of `POST /me/sendMail` for one of the bench's messages. */
export function graphRequest(message: unknown): object {
  const { to, subject, body } = message as QueuedMail;
  const toRecipients = to.map((address) => ({ emailAddress: { address } }));
  return { message: { subject, body, toRecipients } };
}
