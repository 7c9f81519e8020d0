/** What became of one POST to `/me/sendMail`, as far as we can know it. */
export type GraphAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      /** Graph's `error.code`; undefined for answers without a Graph error body. */
      readonly code?: string;
      /** `code` of the nested `innerError`, where Graph puts what Exchange said. */
      readonly innerCode?: string;
      readonly retryAfter?: string;
      readonly requestId?: string;
      /** `insufficient_claims` of the WWW-Authenticate header, and the like. */
      readonly challengeError?: string;
    }
  /** Not one byte of the request left: sending it again cannot double it. */
  | { readonly kind: 'notSent'; readonly cause: string }
  /** The request, or a part of it, left, and no answer came. */
  | { readonly kind: 'noAnswer'; readonly cause: string };

/** Graph, as far as `Mail.Send` reaches. */
export interface GraphMail {
  /**
   * Posts once, without any retry. Never throws.
   * @param body JSON of the sendMail action
   */
  send(accessToken: string, body: string, clientRequestId: string, timeoutMs: number): Promise<GraphAnswer>;
}
