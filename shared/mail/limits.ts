/** Limits of a mail, each with its source. */
export const LIMITS = {
  /** To, cc and bcc together: https://learn.microsoft.com/graph/api/resources/message */
  recipients: 500,
  /** Graph takes five `internetMessageHeaders`; one is ours. */
  headers: 4,
  /** Decoded. A larger attachment needs an upload session, which needs Mail.ReadWrite. */
  attachmentBytes: 3_000_000,
  /** One Graph request: https://learn.microsoft.com/graph/api/user-sendmail answers 413 above it. */
  graphRequestBytes: 4_194_304,
  /** Body of `POST mails`: a Graph request of the largest size, and some room for other spelling. */
  httpBodyBytes: 13_000_000,
  subjectCharacters: 998,
  nameCharacters: 256,
  /** RFC 5321: 64 before the @, 255 behind it. */
  addressCharacters: 320,
  headerCharacters: 900,
  headerNameCharacters: 100,
  /** Of an attachment's name, media type and inline id each. */
  attachmentNameCharacters: 255,
  /** A table property holds 64 KiB of binary; beyond this, content goes to a blob. */
  rowContentBytes: 60_000,
  /** How far ahead a mail may be scheduled. */
  scheduleDays: 366,
  /** How far in the past `sendAt` may be over HTTP: clocks differ. */
  pastMinutes: 5,
  defaultExpiryHours: 72,
} as const;

/** How long content is kept after a mail ended without being accepted, for `retry` and `resolve`. */
export const PARKED_DAYS = 7;
/** How long records are kept after the mail ended. */
export const RECORD_DAYS = 30;
