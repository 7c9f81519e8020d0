import type { CallFaults, Speed } from './process.ts';
import type { GraphBehaviour } from './simulated-microsoft.ts';

/** What happens in one run beside the mail itself. Rates are probabilities per step, call, message or mail. */
export interface Scenario {
  readonly mails: number;
  readonly lanes: number;
  /** Mail arrives within so long. */
  readonly arriveWithinMs: number;
  /** Faults happen only this long; then the world is kind, so that everything can come to its end. */
  readonly faultsForMs: number;
  readonly senders: number;
  readonly workers: number;
  /** A process dies at a step. */
  readonly kill: number;
  readonly maximumKills: number;
  /** A process stands still at a step, for up to 15 minutes. */
  readonly freeze: number;
  readonly table: CallFaults;
  readonly queue: CallFaults;
  readonly speed: Speed;
  /** A producer puts the message twice. */
  readonly duplicate: number;
  /** The host's deletion of a finished message is lost. */
  readonly deleteLost: number;
  /** Clocks of processes are off by up to this much. */
  readonly skewMs: number;
  readonly graph: GraphBehaviour;
  /** The token endpoint fails in the minutes of this share. */
  readonly tokensFail: number;
  /** 0 lifts the pacing. */
  readonly perMinute: number;
  /** Share of mail that comes over HTTP. */
  readonly submitted: number;
  /** Share of mail that is to be sent once more when its fate is unknown. */
  readonly resend: number;
  /** Share of mail that is scheduled for up to three hours later. */
  readonly scheduled: number;
  /** Share of mail that expires within minutes. */
  readonly expiring: number;
  /** Share of mail that Graph refuses. */
  readonly refused: number;
  /** Share of mail that somebody cancels within the first minutes. */
  readonly cancelled: number;
  /** Share of mail that somebody retries or resolves at a random time, if its state allows. */
  readonly actedOn: number;
  /** Connections that are paused and resumed, as share of the lanes. */
  readonly paused: number;
  /** Connections that lose their mailbox for a while. */
  readonly mailboxLost: number;
  /** Connections that are linked again. */
  readonly relinked: number;
  /** An operator stops all sending for some minutes. */
  readonly stopped: number;
  /** Connections that are unlinked while mail comes and goes. */
  readonly unlinked: number;
  /** Share of mail whose queue message fails at each delivery, until the host gives it up. */
  readonly cursed: number;
  /** Share of tickets that fail so. */
  readonly cursedTickets: number;
  /** Share of mail with content over the row limit. */
  readonly large: number;
  /** Share of mail whose content a producer left in `mail-drop`. */
  readonly dropped: number;
  readonly acceptedEvents: boolean;
}

const NO_FAULTS: CallFaults = { fails: 0, lost: 0 };

/** Everything works; mail trickles in. */
export const PLAIN: Scenario = {
  mails: 12,
  lanes: 2,
  arriveWithinMs: 60_000,
  faultsForMs: 40 * 60_000,
  senders: 3,
  workers: 2,
  kill: 0,
  maximumKills: 12,
  freeze: 0,
  table: NO_FAULTS,
  queue: NO_FAULTS,
  speed: { slow: 0.05, verySlow: 0 },
  duplicate: 0.1,
  deleteLost: 0.02,
  skewMs: 0,
  graph: { fates: { accepted: 1 }, slow: 0.05, longestMs: 80_000 },
  tokensFail: 0,
  perMinute: 30,
  submitted: 0.2,
  resend: 0,
  scheduled: 0,
  expiring: 0,
  refused: 0.05,
  cancelled: 0,
  actedOn: 0,
  paused: 0,
  mailboxLost: 0,
  relinked: 0,
  stopped: 0,
  unlinked: 0,
  cursed: 0,
  cursedTickets: 0,
  large: 0,
  dropped: 0,
  acceptedEvents: true,
};

const AMBIGUOUS: GraphBehaviour = {
  fates: { accepted: 12, throttled: 1, busy: 1, gatewayTimeout: 1, reset: 1, notSent: 1, unauthorized: 1 },
  slow: 0.1,
  longestMs: 130_000,
};

const WORN = {
  kill: 0.01,
  freeze: 0.004,
  table: { fails: 0.02, lost: 0.02 },
  queue: { fails: 0.02, lost: 0.02 },
  speed: { slow: 0.1, verySlow: 0.01 },
  skewMs: 20_000,
} as const;

/** The families of runs. Each hunts for another kind of mistake. */
export const SCENARIOS = {
  plain: PLAIN,
  prompt: {
    ...PLAIN,
    scheduled: 0.5,
    submitted: 0.3,
    refused: 0,
    graph: { fates: { accepted: 1 }, slow: 0, longestMs: 0 },
  },
  kills: { ...PLAIN, kill: 0.02, arriveWithinMs: 300_000 },
  lostAnswers: { ...PLAIN, table: { fails: 0.04, lost: 0.06 }, queue: { fails: 0.04, lost: 0.06 } },
  freezes: { ...PLAIN, freeze: 0.02, speed: { slow: 0.1, verySlow: 0.03 }, arriveWithinMs: 300_000 },
  stalls: {
    ...PLAIN,
    freeze: 0.03,
    speed: { slow: 0.1, verySlow: 0.1 },
    senders: 5,
    graph: { ...AMBIGUOUS, fates: { accepted: 3, reset: 2, gatewayTimeout: 1, throttled: 1 } },
  },
  skew: { ...PLAIN, skewMs: 20_000, graph: { ...PLAIN.graph, fates: { accepted: 4, throttled: 1, busy: 1 } } },
  bursts: { ...PLAIN, arriveWithinMs: 200, mails: 24, kill: 0.003, perMinute: 0, senders: 4 },
  throttling: {
    ...PLAIN,
    arriveWithinMs: 20_000,
    graph: {
      fates: { accepted: 3, throttled: 1, throttledWithoutHint: 1, busy: 1, notSent: 1 },
      slow: 0,
      longestMs: 0,
    },
    tokensFail: 0.2,
  },
  pacing: { ...PLAIN, mails: 60, arriveWithinMs: 5_000, kill: 0.001, skewMs: 2_000 },
  ambiguity: { ...PLAIN, graph: AMBIGUOUS, resend: 0.5, tokensFail: 0.1 },
  times: {
    ...PLAIN,
    scheduled: 0.4,
    expiring: 0.3,
    arriveWithinMs: 600_000,
    skewMs: 5_000,
    graph: AMBIGUOUS,
    kill: 0.003,
  },
  gates: {
    ...PLAIN,
    paused: 0.7,
    mailboxLost: 0.5,
    relinked: 0.5,
    stopped: 0.3,
    tokensFail: 0.1,
    expiring: 0.1,
    arriveWithinMs: 600_000,
    skewMs: 2_000,
    kill: 0.003,
    table: { fails: 0.005, lost: 0.005 },
  },
  people: {
    ...PLAIN,
    cancelled: 0.3,
    actedOn: 0.5,
    refused: 0.2,
    expiring: 0.2,
    paused: 0.5,
    graph: AMBIGUOUS,
    kill: 0.005,
    table: { fails: 0.01, lost: 0.01 },
  },
  meddling: {
    ...PLAIN,
    ...WORN,
    kill: 0,
    freeze: 0.03,
    speed: { slow: 0.1, verySlow: 0.1 },
    lanes: 1,
    graph: AMBIGUOUS,
    cancelled: 0.5,
    actedOn: 1,
    resend: 0.2,
    expiring: 0.1,
  },
  poison: {
    ...PLAIN,
    cursed: 0.3,
    cursedTickets: 0.2,
    scheduled: 0.2,
    actedOn: 0.3,
    kill: 0.005,
    graph: AMBIGUOUS,
    table: { fails: 0.01, lost: 0.01 },
  },
  contents: {
    ...PLAIN,
    large: 0.4,
    dropped: 0.4,
    duplicate: 0.3,
    kill: 0.01,
    cancelled: 0.1,
    actedOn: 0.3,
    refused: 0.2,
    resend: 0.2,
    graph: AMBIGUOUS,
    table: { fails: 0.02, lost: 0.02 },
  },
  unlinks: {
    ...PLAIN,
    ...WORN,
    unlinked: 1,
    // Everything at the same time, and slowly, so that much is half done when the gate is shut for good.
    lanes: 1,
    arriveWithinMs: 20_000,
    speed: { slow: 0.5, verySlow: 0.02 },
    submitted: 0.6,
    scheduled: 0.3,
    refused: 0.3,
    cancelled: 0.1,
    actedOn: 0.3,
    expiring: 0.1,
    paused: 0.2,
    mailboxLost: 0.2,
    large: 0.2,
    graph: AMBIGUOUS,
  },
  everything: {
    ...PLAIN,
    ...WORN,
    graph: AMBIGUOUS,
    tokensFail: 0.1,
    arriveWithinMs: 300_000,
    resend: 0.2,
    scheduled: 0.1,
    expiring: 0.1,
    cancelled: 0.1,
    actedOn: 0.2,
    paused: 0.3,
    mailboxLost: 0.2,
    relinked: 0.3,
    stopped: 0.1,
    unlinked: 0.1,
    cursed: 0.05,
    cursedTickets: 0.02,
    large: 0.05,
    dropped: 0.1,
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
