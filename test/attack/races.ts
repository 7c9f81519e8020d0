import type { Connection } from '../flow/support/api.ts';
import type { Flow } from '../flow/support/flow.ts';
import type { FormBrowser } from '../flow/support/form-browser.ts';
import { linkRequest, proof } from '../flow/support/link.ts';
import { confirmPath, linkCookie, send, stateOf } from './support/victim.ts';

export interface RaceResult {
  readonly runs: number;
  /** Races in which not exactly one won, each in a sentence. */
  readonly wrong: readonly string[];
  /** How often a code was sent to the token endpoint; one per link whose code was not destroyed. */
  readonly redeemed: number;
  readonly expectedRedeemed: number;
}

interface Run {
  readonly wrong: readonly string[];
  readonly destroyed: boolean;
}

const AT_ONCE = 4;
/** Links that run beside each other; each race within a link is on its own anyway. */
const LANES = 4;

/**
 * Races for one link after the other: two browsers that open it, four callbacks with its one state, four confirms with
 * its one confirmation. In every third link two of the four confirms are of another session.
 */
export async function runRaces(flow: Flow, runs: number): Promise<RaceResult> {
  const results: Run[] = [];
  let next = 0;
  const lane = async () => {
    while (next < runs) {
      next += 1;
      results.push(await race(flow, next));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const requests = await flow.requests('identity');
  return {
    runs: results.length,
    wrong: results.flatMap(({ wrong }) => wrong),
    redeemed: requests.filter(({ body }) => body.includes('grant_type=authorization_code')).length,
    expectedRedeemed: results.filter(({ destroyed }) => !destroyed).length,
  };
}

async function race(flow: Flow, run: number): Promise<Run> {
  const customerId = `racer-${run}`;
  const body = linkRequest({ customerId });
  const { linkId, linkUrl } = await flow.api.expect<{ linkId: string; linkUrl: string }>(
    201,
    'POST',
    '/auth/link/Outlook',
    {
      body,
    },
  );
  const wrong: string[] = [];
  const oneOf = (what: string, count: number) => {
    if (count !== 1) wrong.push(`run ${run}: ${count} of ${what} won`);
  };

  const browsers = [flow.browser(), flow.browser()];
  const opened = await Promise.all(browsers.map((browser) => browser.open(linkUrl)));
  oneOf('two browsers', opened.filter(({ status }) => status === 200).length);
  const index = opened.findIndex(({ status }) => status === 200);
  const [browser, signInPage] = [browsers[index] as FormBrowser, opened[index]];
  if (!signInPage) return { wrong, destroyed: true };

  const consent = await browser.click(signInPage, 'hr@acme.example');
  const { location: callback = '' } = await browser.click(consent, 'Accept', {}, '/auth/callback/');
  const headers = { cookie: linkCookie(browser, linkId) };
  const callbacks = await Promise.all(Array.from({ length: AT_ONCE }, () => send(callback, { headers })));
  const taken = callbacks.filter(({ status }) => status === 303);
  oneOf('four callbacks', taken.length);
  const back = new URL(taken[0]?.location ?? 'http://nowhere/').searchParams;

  const thief = run % 3 === 0;
  const confirms = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, number) => {
      const startedBy = thief && number % 2 === 1 ? 'session-of-mallory' : 'session-of-ada';
      return flow.api.call('POST', confirmPath(linkId), { body: proof(back, { customerId, startedBy }) });
    }),
  );
  const { state } = await stateOf(flow, linkId, customerId);
  const created = confirms.filter(({ status }) => status === 201).length;
  if (state === 'connected') oneOf('four confirms', created);
  else if (!thief || state !== 'failed' || created > 0) wrong.push(`run ${run}: ended ${state}, ${created} confirmed`);
  const connections = confirms
    .filter(({ status }) => status < 300)
    .map(({ text }) => (JSON.parse(text) as Connection).connectionId);
  if (new Set(connections).size > 1) wrong.push(`run ${run}: two connections of one link`);
  const refusals = confirms
    .filter(({ status }) => status >= 300)
    .map(({ text }) => (JSON.parse(text) as { code: string }).code);
  const strange = refusals.filter((code) => code !== 'link_in_progress' && !(thief && code === 'link_wrong_session'));
  if (strange.length > 0) wrong.push(`run ${run}: a confirm was refused with ${strange.join()}`);
  return { wrong, destroyed: state !== 'connected' };
}
