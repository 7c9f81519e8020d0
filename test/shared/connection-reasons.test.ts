import { describe, expect, test } from 'vitest';
import { CONNECTION_REASONS, explain, wireReason } from '../../shared/connection-reasons.ts';

describe('why a link is dead, by what Microsoft said', () => {
  test.each([
    ['invalid_grant_700082', 'inactive'],
    ['invalid_grant_bad_token_70008', 'inactive'],
    ['invalid_grant_50173', 'access_revoked'],
    ['invalid_grant_bad_token_50132', 'access_revoked'],
    ['invalid_grant_50133', 'access_revoked'],
    ['invalid_grant_token_expired_70043', 'sign_in_frequency'],
    ['invalid_grant_user_password_expired', 'password_reset'],
    ['invalid_grant_user_password_expired_50055', 'password_reset'],
    ['invalid_grant_50057', 'account_disabled'],
    ['invalid_grant_50053', 'account_locked'],
    ['invalid_grant_50034', 'account_missing'],
    ['invalid_grant_consent_required_65001', 'consent_withdrawn'],
    ['consent_required', 'consent_withdrawn'],
    ['interaction_required_basic_action_50076', 'sign_in_policy'],
    ['interaction_required', 'sign_in_policy'],
    ['invalid_grant_50105', 'not_assigned'],
    ['insufficient_claims', 'sign_in_demanded'],
    ['secret_missing', 'secret_missing'],
    ['invalid_grant', 'sign_in_again'],
    ['invalid_grant_99999999', 'sign_in_again'],
  ])('%s is %s', (reason, code) => {
    expect(wireReason('needs_relink', reason)).toBe(code);
  });

  test.each([
    ['invalid_client_7000215', 'secret_wrong'],
    ['invalid_client_7000222', 'secret_expired'],
    ['unauthorized_client_700016', 'app_not_found'],
    ['unauthorized_client_7000112', 'app_disabled'],
    ['invalid_client', 'app_refused'],
    ['secret_missing', 'secret_missing'],
  ])('an application: %s is %s', (reason, code) => {
    expect(wireReason('broken', reason)).toBe(code);
  });

  test('a number says nothing about what it does not belong to', () => {
    expect(wireReason('needs_relink', 'invalid_grant_7000222')).toBe('sign_in_again');
    expect(wireReason('broken', 'invalid_client_700082')).toBe('app_refused');
  });

  test('Graph’s own code stays, explained by the status', () => {
    expect(wireReason('no_mailbox', 'MailboxNotEnabledForRESTAPI')).toBe('MailboxNotEnabledForRESTAPI');
    expect(explain('blocked', 'ErrorAccessDenied')).toBe(CONNECTION_REASONS.blocked);
  });

  test('a connection that works needs no explanation', () => {
    for (const status of ['connected', 'paused', 'removing']) expect(explain(status, '')).toBeUndefined();
  });
});
