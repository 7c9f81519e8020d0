import { type Html, html } from '../kit/page.ts';
import type { Reply } from '../kit/serve.ts';
import { ApiProblem, ApiUnreachable, type LinkRequest, type OutlookApi } from './api-client.ts';
import { type Field, textField, type Values } from './form.ts';
import { alert, seeOther } from './layout.ts';
import type { Session } from './session.ts';

/** The page's own address, as `LINK_RETURN_URLS` of the function app calls it. */
export const RETURN_TO = 'settings';

export const EXPECTED_MAILBOX: Field = {
  name: 'expectedMailbox',
  label: 'Mailbox to send from',
  hint: 'When given, only this mailbox can be linked.',
  optional: true,
  email: true,
  placeholder: 'hr@acme.example',
};

/** What a form shows beside its fields after an attempt that failed. */
export interface Attempt {
  readonly values: Values;
  readonly errors: Values;
  readonly alert?: Html;
  readonly status: number;
}

export const NO_ATTEMPT: Attempt = { values: {}, errors: {}, status: 200 };

/** The form of a tab: its fields and the button. */
export function linkForm(action: string, fields: readonly Field[], attempt: Attempt): Html {
  return html`${attempt.alert}
<form method="post" action="${action}">
${fields.map((field) => textField(field, attempt.values, attempt.errors))}
<button type="submit">Link account</button>
</form>`;
}

/**
 * Starts a link and sends the browser to Microsoft.
 * @param started told the link's id
 * @returns the attempt to show when that is not possible
 */
export async function startLink(
  api: OutlookApi,
  session: Session,
  application: LinkRequest['application'],
  values: Values,
  started: (linkId: string) => void,
): Promise<Reply | Attempt> {
  const mailbox = values['expectedMailbox'] ?? '';
  try {
    const { linkId, linkUrl } = await api.startLink({
      customerId: session.customerId,
      // Who confirms must be who started: see return-page.ts.
      startedBy: session.startedBy,
      returnTo: RETURN_TO,
      displayName: mailbox || 'Outlook sender',
      // A demand, which fills in the address on Microsoft's page too.
      ...(mailbox && { expectedMailbox: mailbox }),
      application,
    });
    started(linkId);
    return seeOther(session, linkUrl);
  } catch (error) {
    return failedAttempt(error, values);
  }
}

/** Which field of the form a pointer of the API means. */
const FIELDS: Values = {
  '/application/clientId': 'clientId',
  '/application/clientSecret': 'clientSecret',
  '/application/tenant': 'tenant',
  '/expectedMailbox': 'expectedMailbox',
  '/loginHint': 'expectedMailbox',
};

function failedAttempt(error: unknown, values: Values): Attempt {
  if (error instanceof ApiUnreachable)
    return { values, errors: {}, status: 503, alert: alert('The account was not linked.', error.message) };
  if (!(error instanceof ApiProblem)) throw error;
  const errors = error.fields.flatMap(({ pointer, detail }) => {
    const field = FIELDS[pointer];
    return field ? [[field, detail] as const] : [];
  });
  return {
    values,
    errors: Object.fromEntries(errors),
    status: error.status,
    alert: errors.length > 0 ? alert('Please check the fields that are marked.') : whyNot(error),
  };
}

function whyNot({ linkFailure, message }: ApiProblem): Html {
  return linkFailure ? alert(linkFailure.person, linkFailure.action) : alert('The account was not linked.', message);
}
