/** What a page says. Nothing of a request is ever shown. */
export interface PageText {
  readonly title: string;
  readonly text: string;
}

export type PageName =
  | 'bad_request'
  | 'admin_approved'
  | 'admin_declined'
  | 'link_unknown'
  | 'link_used'
  | 'link_expired'
  | 'unavailable';

/** Languages of the pages, by the code that goes into `lang`. */
export type Language = 'en';

/** Everything that the pages of the browser routes say. Another language is another entry; the compiler asks for every page. */
export const PAGE_TEXTS: Readonly<Record<Language, Readonly<Record<PageName, PageText>>>> = {
  en: {
    bad_request: {
      title: 'This did not work',
      text: 'The answer from Microsoft was incomplete. Go back to Hire2Retire and click Link account again.',
    },
    admin_approved: {
      title: 'Approved, now link',
      text: 'The application may now be used in your organization. Whoever wants to link a mailbox goes back to Hire2Retire and clicks Link account.',
    },
    admin_declined: {
      title: 'Not approved',
      text: 'The application was not approved, and nothing has changed. To approve it after all, an administrator opens the same address again and clicks Accept.',
    },
    link_unknown: {
      title: 'This link is not valid',
      text: 'It is unknown, was used already, or was opened in another browser. Go back to Hire2Retire and click Link account again.',
    },
    link_used: {
      title: 'This link was used already',
      text: 'A link works once, and only in the browser that opened it first. Go back to Hire2Retire and click Link account again.',
    },
    link_expired: {
      title: 'This link has expired',
      text: 'A link works for 30 minutes. Go back to Hire2Retire and click Link account again.',
    },
    unavailable: {
      title: 'Try again in a minute',
      text: 'A part of this service does not answer right now, and nothing was lost. Wait a minute, then reload this page.',
    },
  },
};
