package io.sluice.node.export;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What became of all that exporters of one kind were given. What waits is what was given and has no
 * end yet, so that all adds up whenever it is read. Any thread.
 */
public final class Counts {
  private final AtomicLong given = new AtomicLong();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong rejected = new AtomicLong();
  private final AtomicLong unanswered = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong overBudget = new AtomicLong();
  private final AtomicLong octets = new AtomicLong(); // of all that waits

  /**
   * At one moment; together all that was given until then.
   *
   * @param sent taken by a collector
   * @param rejected not taken by a collector, which would not take it later either
   * @param unanswered sent as often as anything is, without an answer
   * @param dropped never sent: more than may wait, or left at the end
   * @param overBudget never sent: more than may wait, while the {@link Budget} was spent
   * @param waiting to be sent, or on its way
   */
  public record Now(
      long sent, long rejected, long unanswered, long dropped, long overBudget, long waiting) {}

  /** As they are now. */
  public Now now() {
    // What was given is read last: nothing has an end before it is counted there.
    long ofSent = sent.get();
    long ofRejected = rejected.get();
    long ofUnanswered = unanswered.get();
    long ofDropped = dropped.get();
    long ofOverBudget = overBudget.get();
    return new Now(
        ofSent,
        ofRejected,
        ofUnanswered,
        ofDropped,
        ofOverBudget,
        given.get() - ofSent - ofRejected - ofUnanswered - ofDropped - ofOverBudget);
  }

  /** How many there are to be sent, or are on their way; asked for each one that is given. */
  long waiting() {
    long ended = sent.get() + rejected.get() + unanswered.get() + dropped.get() + overBudget.get();
    return given.get() - ended;
  }

  /** One was not given to any. */
  public void drop() {
    add();
    drop(1);
  }

  /** One is given, whatever becomes of it. */
  void add() {
    given.incrementAndGet();
  }

  /** Of all that waits, or is on its way. */
  long octets() {
    return octets.get();
  }

  /** So many more wait; less where that is negative. */
  void addOctets(long more) {
    octets.addAndGet(more);
  }

  void drop(int count) {
    dropped.addAndGet(count);
  }

  void dropOverBudget() {
    overBudget.incrementAndGet();
  }

  void send(int count) {
    sent.addAndGet(count);
  }

  void reject(int count) {
    rejected.addAndGet(count);
  }

  void leaveUnanswered(int count) {
    unanswered.addAndGet(count);
  }
}
