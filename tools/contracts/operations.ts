/** What the OpenAPI description says of each endpoint, by the endpoint's name. Everything that can be derived is not here. */
import * as z from 'zod';
import { pageQuery } from '../../functions/http/input.ts';
import { linkQuery } from '../../functions/http/links.ts';
import { mailsQuery } from '../../functions/http/mails.ts';
import { type ErrorCode, LINK_ERRORS } from '../../shared/errors.ts';
import type { AnswerName } from './answers.ts';
import type { RequestName } from './requests.ts';

export interface Operation {
  readonly tag: 'Linking' | 'Connections' | 'Mail' | 'Customers' | 'Browser' | 'System';
  readonly summary: string;
  readonly description?: string;
  readonly body?: RequestName;
  readonly query?: z.ZodObject;
  /** By status: what comes, and when. `page` is HTML for a person, `schema` a JSON document of its own kind. */
  readonly answers: Readonly<
    Record<number, readonly [content: AnswerName | 'page' | 'redirect' | 'schema', when: string]>
  >;
  /** Codes that this endpoint alone can answer with; those of every endpoint come by themselves. */
  readonly errors?: readonly ErrorCode[];
}

/** What Microsoft may say of an application or a sign-in. */
const MICROSOFT_SAYS = Object.keys(LINK_ERRORS).filter((code) => code !== 'secret_is_id') as ErrorCode[];
const REPAIR = 'Needs a connection that works.';

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'link-start': {
    tag: 'Linking',
    summary: 'Starts a link',
    description:
      'Send the person’s browser to `linkUrl`. Name the organization (`tenant`, `expectedMailbox` or `loginHint`) where you know it.',
    body: 'StartLink',
    answers: { 201: ['StartedLink', 'The link is open for 30 minutes.'] },
    errors: [
      'secret_is_id',
      'not_found',
      'too_many_links',
      'relink_other_application',
      'customer_being_removed',
      'microsoft_unavailable',
    ],
  },
  'application-check': {
    tag: 'Linking',
    summary: 'Proves a customer’s own application',
    description: 'Before anybody signs in. Nothing is stored.',
    body: 'CheckApplication',
    answers: {
      200: ['CheckedApplication', 'Whether Microsoft takes tenant, client ID and secret; `code` says why not.'],
    },
    errors: MICROSOFT_SAYS,
  },
  'link-state': {
    tag: 'Linking',
    summary: 'How far a link is, and why it failed',
    query: linkQuery,
    answers: { 200: ['LinkState', 'Its state.'] },
    errors: ['not_found'],
  },
  'link-confirm': {
    tag: 'Linking',
    summary: 'Says that the same session came back',
    description:
      'Called by the return page’s server on every arrival, with the customer and session that it finds. May be repeated.',
    body: 'ConfirmLink',
    answers: {
      200: ['ConfirmedConnection', 'It was confirmed before.'],
      201: ['ConfirmedConnection', 'The mailbox is linked.'],
    },
    errors: ['not_found', 'link_not_authorized', 'link_in_progress', 'connection_removed', ...MICROSOFT_SAYS],
  },
  'link-open': {
    tag: 'Browser',
    summary: 'The linkUrl: binds the browser and sends it to Microsoft',
    query: z.object({ ticket: z.string().meta({ description: 'Part of linkUrl.' }) }),
    answers: {
      303: ['redirect', 'To Microsoft.'],
      400: ['page', 'The link is not valid.'],
      409: ['page', 'The link was used, or has expired.'],
      503: ['page', 'A part of the service does not answer.'],
    },
  },
  'link-callback': {
    tag: 'Browser',
    summary: 'The redirect URI registered with Microsoft',
    query: z.object({
      code: z.string().optional(),
      state: z.string().optional(),
      error: z.string().optional(),
      error_description: z.string().optional(),
      admin_consent: z.string().optional(),
    }),
    answers: {
      200: ['page', 'An administrator approved the application, or did not.'],
      303: ['redirect', 'To the return URL, with linkId and confirmation, or linkId and error.'],
      400: ['page', 'The answer is not one of Microsoft’s, or belongs to another browser.'],
      409: ['page', 'The link was used, or has expired.'],
      503: ['page', 'A part of the service does not answer.'],
    },
  },
  'connections-list': {
    tag: 'Connections',
    summary: 'Connections of a customer',
    query: pageQuery,
    answers: { 200: ['ConnectionList', 'A page of them, without their lanes.'] },
    errors: ['not_found'],
  },
  'connection-get': {
    tag: 'Connections',
    summary: 'One connection, with its line of mail',
    answers: { 200: ['Connection', 'The connection.'] },
    errors: ['not_found'],
  },
  'connection-patch': {
    tag: 'Connections',
    summary: 'Changes a connection',
    body: 'PatchConnection',
    answers: { 200: ['Connection', 'The connection as it is now.'] },
    errors: ['not_found'],
  },
  'connection-unlink': {
    tag: 'Connections',
    summary: 'Unlinks: cancels waiting mail and deletes the secrets',
    answers: { 200: ['UnlinkedConnection', 'It is gone, or going: nothing is sent any more.'] },
    errors: ['not_found'],
  },
  'connection-pause': {
    tag: 'Connections',
    summary: 'Holds mail',
    answers: { 200: ['Connection', 'The connection as it is now.'] },
    description: REPAIR,
    errors: ['not_found', 'connection_not_working'],
  },
  'connection-resume': {
    tag: 'Connections',
    summary: 'Lets held mail go',
    answers: { 200: ['Connection', 'The connection as it is now.'] },
    description: REPAIR,
    errors: ['not_found', 'connection_not_working'],
  },
  'connection-test': {
    tag: 'Connections',
    summary: 'Sends a test mail now and says what happened',
    body: 'TestMail',
    answers: { 200: ['MailRecord', 'The mail’s record, after at most 30 seconds.'] },
    errors: ['not_found'],
  },
  'applications-list': {
    tag: 'Connections',
    summary: 'A customer’s own applications, with the expiry of their secrets',
    query: pageQuery,
    answers: { 200: ['ApplicationList', 'A page of them.'] },
    errors: ['not_found'],
  },
  'application-secret': {
    tag: 'Connections',
    summary: 'Gives a customer’s own application a new client secret',
    description: 'Proven with Microsoft first; nobody links again.',
    body: 'RotateSecret',
    answers: { 200: ['Application', 'The application with its new secret.'] },
    errors: ['secret_is_id', 'not_found', 'rotation_in_progress', ...MICROSOFT_SAYS],
  },
  'mail-submit': {
    tag: 'Mail',
    summary: 'Submits a mail',
    body: 'Mail',
    answers: {
      200: ['MailRecord', 'The same id and content were submitted before.'],
      202: ['MailRecord', 'Stored, and on its way. `Location` is where its record is.'],
    },
    errors: ['not_found', 'id_reused', 'customer_being_removed'],
  },
  'mails-list': {
    tag: 'Mail',
    summary: 'Records of mail',
    description: 'Also of a connection that was unlinked, for 30 days.',
    query: mailsQuery,
    answers: { 200: ['MailList', 'A page of them, in no particular order.'] },
    errors: ['not_found'],
  },
  'mail-get': {
    tag: 'Mail',
    summary: 'One record',
    answers: { 200: ['MailRecord', 'What is known of the mail.'] },
    errors: ['not_found'],
  },
  'mail-cancel': {
    tag: 'Mail',
    summary: 'Cancels a mail that waits',
    answers: { 200: ['MailRecord', 'It is cancelled.'] },
    errors: ['not_found', 'already_sending'],
  },
  'mail-retry': {
    tag: 'Mail',
    summary: 'Gives a dead, rejected or expired mail another try',
    body: 'Retry',
    answers: { 200: ['MailRecord', 'It waits again.'] },
    errors: ['not_found', 'attempt_changed', 'not_retryable', 'content_gone'],
  },
  'mail-resolve': {
    tag: 'Mail',
    summary: 'Settles an uncertain mail',
    body: 'Resolve',
    answers: { 200: ['MailRecord', 'It waits again, or counts as accepted.'] },
    errors: ['not_found', 'attempt_changed', 'not_retryable', 'content_gone'],
  },
  'mails-retry': {
    tag: 'Mail',
    summary: 'Retries up to 200 mails',
    body: 'RetryMany',
    answers: { 200: ['MailResults', 'What became of each; one does not stop the others.'] },
    errors: ['not_found'],
  },
  'mails-resolve': {
    tag: 'Mail',
    summary: 'Settles up to 200 uncertain mails',
    body: 'ResolveMany',
    answers: { 200: ['MailResults', 'What became of each; one does not stop the others.'] },
    errors: ['not_found'],
  },
  'customer-remove': {
    tag: 'Customers',
    summary: 'Removes everything of a customer, in the background',
    description:
      'Links, connections, applications with their secrets, waiting mail, content and records. May be repeated. Until it is done, new links and new mail are refused.',
    answers: { 202: ['CustomerRemoval', 'It has begun. `Location` says how far it is.'] },
  },
  'customer-removal': {
    tag: 'Customers',
    summary: 'How far the removal of a customer is',
    answers: { 200: ['CustomerRemoval', 'How far it is; known until 90 days after the end.'] },
    errors: ['not_found'],
  },
  'leavers-check': {
    tag: 'Customers',
    summary: 'Which connections would die if these accounts were disabled',
    description: 'Ask before accounts are disabled: a mailbox that is cut off sends no leaver notice.',
    body: 'Leavers',
    answers: { 200: ['LeaversFound', 'The connections, and what gave them away.'] },
  },
  health: {
    tag: 'System',
    summary: 'Liveness',
    answers: { 200: ['Health', 'The app started with usable settings.'] },
  },
  'health-details': {
    tag: 'System',
    summary: 'Whether everything that the app depends on answers',
    answers: { 200: ['HealthDetails', 'Each dependency, asked at this moment for three seconds at most.'] },
  },
  openapi: {
    tag: 'System',
    summary: 'This description',
    answers: { 200: ['schema', 'OpenAPI 3.1.'] },
  },
  'mail-message-schema': {
    tag: 'System',
    summary: 'The queue message, version 1',
    answers: { 200: ['schema', 'JSON Schema 2020-12.'] },
  },
};
