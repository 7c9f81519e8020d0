import { DAY, later } from '../clock.ts';
import {
  type Application,
  type ApplicationChange,
  ASSUMED_SECRET_DAYS,
  holdersOf,
} from '../connections/application.ts';
import { finishRemoval } from '../connections/remove-unused-application.ts';
import { clientSecretTags } from '../connections/secret-tags.ts';
import type { Invocation } from '../log.ts';
import type { LinkingDeps } from './deps.ts';
import { failLink } from './end-link.ts';
import type { Link } from './link.ts';

/**
 * The secret that was proven a moment ago becomes the application's; the one before stays as fallback for a day. What a
 * row is about to forget is deleted first, and only then is that very row written. With it the link holds the row: until
 * it lets go, nobody takes the application for unused.
 */
export async function recordApplication(deps: LinkingDeps, link: Link, invocation: Invocation): Promise<void> {
  const now = deps.clock.now();
  const tags = clientSecretTags(link.customerId, link.clientId);
  const decide = async (application: Application | undefined): Promise<ApplicationChange | 'again' | undefined> => {
    const name = link.clientSecretName;
    if (application?.removingSince) {
      // The last connection was unlinked a moment ago. Its application goes, and this link makes it anew.
      await finishRemoval(deps, application);
      return 'again';
    }
    const holders = application ? holdersOf(application) : [];
    const held = holders.includes(link.linkId) ? undefined : { heldBy: [...holders, link.linkId].join(' ') };
    if (application?.secretName === name || application?.previousSecretName === name) return held;
    if (application && application.secretSetAt > link.redeemedAt) {
      // Rolled forward late: a newer secret was proven meanwhile.
      await deps.secrets.remove(name, tags);
      return held;
    }
    if ((await deps.secrets.get(name, tags)) === undefined) {
      // Rolled forward late: two newer ones pushed it out, or the last connection was unlinked and took it along.
      if (application) return held;
      throw await failLink(deps, link, 'interrupted', invocation);
    }
    if (application?.previousSecretName) await deps.secrets.remove(application.previousSecretName, tags);
    return {
      tenantId: link.tenantId,
      vault: new URL(deps.config.keyVaultUrl).host,
      secretName: link.clientSecretName,
      previousSecretName: application?.secretName ?? '',
      previousRetiredAt: application ? now.toISOString() : '',
      secretSetAt: link.redeemedAt,
      secretExpiresOn:
        link.clientSecretExpiresOn ||
        later(now, ASSUMED_SECRET_DAYS * DAY)
          .toISOString()
          .slice(0, 10),
      secretExpiryAssumed: link.clientSecretExpiresOn === '',
      broken: false,
      brokenReason: '',
      ...held,
    };
  };
  await deps.applicationHealth.follow(link.customerId, link.clientId, () =>
    deps.applications.put(link.customerId, link.clientId, decide),
  );
}
