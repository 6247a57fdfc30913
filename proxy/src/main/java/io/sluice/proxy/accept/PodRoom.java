package io.sluice.proxy.accept;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.limits.Share;
import io.sluice.proxy.limits.Source;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * How many connections one pod may have: as many from it as to it, so that nobody who calls it can
 * keep it from calling. Those to it are shared by who calls: identities that certificates prove,
 * addresses of workloads, and all strangers together, who share among themselves. Any thread.
 */
final class PodRoom {
  /** What strangers, however many their addresses are, count for. */
  private static final Object STRANGERS = "strangers";

  private final int most;
  private final AtomicInteger outbound = new AtomicInteger();
  private final Share inbound;
  private final Share strangers;

  PodRoom(int most) {
    this.most = most;
    this.inbound = new Share(most);
    this.strangers = new Share(most);
  }

  /** Takes a place, which {@link #leave} frees; or says why there is none. */
  @Nullable Reason take(Direction direction, Source source) {
    if (direction == Direction.OUTBOUND) {
      if (outbound.incrementAndGet() > most) {
        outbound.decrementAndGet();
        return Reason.CONNECTION_LIMIT;
      }
      return null;
    }
    if (source.known()) {
      return reason(inbound.take(source.key()));
    }
    Share.Answer answer = strangers.take(source.key());
    if (answer == Share.Answer.TAKEN) {
      answer = inbound.take(STRANGERS);
      if (answer != Share.Answer.TAKEN) {
        strangers.leave(source.key());
      }
    }
    return reason(answer);
  }

  private static @Nullable Reason reason(Share.Answer answer) {
    return switch (answer) {
      case TAKEN -> null;
      case SOURCE_FULL -> Reason.SOURCE_LIMIT;
      case FULL -> Reason.CONNECTION_LIMIT;
    };
  }

  void leave(Direction direction, Source source) {
    if (direction == Direction.OUTBOUND) {
      outbound.decrementAndGet();
    } else if (source.known()) {
      inbound.leave(source.key());
    } else {
      strangers.leave(source.key());
      inbound.leave(STRANGERS);
    }
  }
}
