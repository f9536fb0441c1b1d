/** At most so many at work, and at most so many bytes among them (one that is larger than the whole budget goes alone). */
export class Limiter {
  private readonly maxCount: number;
  private readonly maxBytes: number;
  private count = 0;
  private bytes = 0;
  private readonly waiting: { bytes: number; go: () => void }[] = [];

  constructor(maxCount: number, maxBytes = Number.POSITIVE_INFINITY) {
    this.maxCount = maxCount;
    this.maxBytes = maxBytes;
  }

  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      this.waiting.push({ bytes, go });
      this.admit();
    });
    try {
      return await work();
    } finally {
      this.count--;
      this.bytes -= bytes;
      this.admit();
    }
  }

  private admit(): void {
    for (;;) {
      const first = this.waiting[0];
      if (!first || this.count >= this.maxCount) return;
      if (this.count > 0 && this.bytes + first.bytes > this.maxBytes) return;
      this.waiting.shift();
      this.count++;
      this.bytes += first.bytes;
      first.go();
    }
  }
}
