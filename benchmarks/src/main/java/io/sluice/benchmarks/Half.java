package io.sluice.benchmarks;

import io.sluice.linux.process.Processors;
import java.util.BitSet;

/**
 * One half of this machine's processors, by their numbers. Where a stream's two ends run decides
 * its rate, and the scheduler would choose anew for each sample.
 */
enum Half {
  OF_CLIENTS,
  OF_SERVERS;

  private static final BitSet ALL = Processors.ofThread();

  private final BitSet processors = new BitSet();

  static {
    int each = ALL.cardinality() / 2;
    int seen = 0;
    for (int one = ALL.nextSetBit(0); one >= 0; one = ALL.nextSetBit(one + 1)) {
      (seen++ < each ? OF_CLIENTS : OF_SERVERS).processors.set(one);
    }
  }

  /** Whether each has a single processor. */
  static boolean areSingle() {
    return ALL.cardinality() == 2;
  }

  /** Keeps the calling thread there until it is closed; a single processor is no two halves. */
  Kept keep() {
    if (!processors.isEmpty()) {
      Processors.keepThreadOn(processors);
    }
    return () -> Processors.keepThreadOn(ALL);
  }

  /** Ends it. */
  interface Kept extends AutoCloseable {
    @Override
    void close();
  }
}
