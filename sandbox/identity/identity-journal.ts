import { type Fault, Journal } from '../kit/journal.ts';
import { AUTHORIZE } from './authorize.ts';
import { TOKEN } from './token.ts';

/**
 * A fault with `redirect` has a meaning at the authorization endpoint only, one with `answer` at the token endpoint.
 * Without a path it waits for that endpoint, or else the metadata request that comes before most sign-ins would use it
 * up.
 */
export class IdentityJournal extends Journal {
  override addFaults(faults: readonly Fault[]): void {
    super.addFaults(
      faults.map((fault) => {
        const path = fault.redirect ? AUTHORIZE : fault.answer && TOKEN;
        return path && fault.match?.path === undefined ? { ...fault, match: { ...fault.match, path } } : fault;
      }),
    );
  }
}
