import type { Dice } from './dice.ts';

/** Part of the world that can die or stall: what it waits for then comes late, or never. */
export interface Mortal {
  alive: boolean;
  /** Virtual time until which nothing of it runs. */
  frozenUntil: number;
}

interface Task {
  at: number;
  /** Random: tasks of one moment run in any order. */
  readonly order: number;
  readonly owner: Mortal | undefined;
  readonly run: () => void;
}

/** What befalls the owner of a task just before it runs. */
export type Befall = (owner: Mortal) => void;

/**
 * Virtual time. One task runs at a time, and the next begins only when the code that it woke has gone as far as it can:
 * so the real, asynchronous code runs in an order that the seed alone decides.
 */
export class Scheduler {
  now: number;
  steps = 0;
  befall: Befall = () => {};
  private readonly dice: Dice;
  private readonly heap: Task[] = [];

  constructor(dice: Dice, start: number) {
    this.dice = dice;
    this.now = start;
  }

  /** Runs something after `milliseconds`. What belongs to a dead owner never runs. */
  after(milliseconds: number, run: () => void, owner?: Mortal): void {
    this.push({ at: this.now + Math.max(0, milliseconds), order: this.dice.next(), owner, run });
  }

  /**
   * Runs until nothing is left to run.
   * @returns false when that does not come within `maximumSteps`
   */
  async rest(maximumSteps: number): Promise<boolean> {
    for (let task = this.pop(); task !== undefined; task = this.pop()) {
      if (task.owner?.alive === false) continue;
      this.now = Math.max(this.now, task.at);
      if (task.owner) {
        this.befall(task.owner);
        if (!task.owner.alive) continue;
        if (task.owner.frozenUntil > this.now) {
          this.push({ ...task, at: task.owner.frozenUntil });
          continue;
        }
      }
      this.steps += 1;
      if (this.steps > maximumSteps) return false;
      task.run();
      await everythingThatCanRun();
    }
    return true;
  }

  private push(task: Task): void {
    const { heap } = this;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(task, heap[above])) break;
      heap[at] = heap[above] as Task;
      at = above;
    }
    heap[at] = task;
  }

  private pop(): Task | undefined {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as Task, heap[below])) below += 1;
      if (!before(heap[below] as Task, last)) break;
      heap[at] = heap[below] as Task;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function before(task: Task, other: Task | undefined): boolean {
  if (other === undefined) return false;
  return task.at < other.at || (task.at === other.at && task.order < other.order);
}

/** Promises settle in microtasks, all of which run before the next immediate. */
function everythingThatCanRun(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
