import { type Fault, Journal } from '../kit/journal.ts';
import { AUTHORIZE } from './authorize.ts';

/**
 * A fault with `redirect` has a meaning at the authorization endpoint only. Without a path it waits for that endpoint,
 * or else the metadata request that comes before most sign-ins would use it up.
 */
export class IdentityJournal extends Journal {
  override addFaults(faults: readonly Fault[]): void {
    super.addFaults(
      faults.map((fault) =>
        fault.redirect && fault.match?.path === undefined
          ? { ...fault, match: { ...fault.match, path: AUTHORIZE } }
          : fault,
      ),
    );
  }
}
