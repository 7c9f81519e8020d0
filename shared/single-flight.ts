/** Work that several ask for at once and one of them does: all get its result, or its error. Nothing is remembered. */
export class SingleFlight<T> {
  private readonly underWay = new Map<string, Promise<T>>();

  /** Does `work`, unless somebody is doing it under the same key: then waits for theirs. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.underWay.get(key);
    if (running) return running;
    const started = work().finally(() => this.underWay.delete(key));
    this.underWay.set(key, started);
    return started;
  }
}
