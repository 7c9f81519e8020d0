import type { ApiTokens, TokenVerdict } from '../../shared/access/api-access.ts';

/** Accepts every token, or answers what it was told to. */
export class FakeApiTokens implements ApiTokens {
  readonly judged: string[] = [];
  verdict: TokenVerdict = { kind: 'accepted' };

  async judge(token: string): Promise<TokenVerdict> {
    this.judged.push(token);
    return this.verdict;
  }
}
