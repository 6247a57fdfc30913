package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Silence;
import io.sluice.proxy.Retried;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The tries of one exchange that a Retry is for: what of it is kept for another one, whether there
 * is one, and when. Event loop of the exchange.
 */
final class Retries {
  /**
   * Of the requests of a pod that Retries are for, this part may be tried again at a time, so that
   * an application that fails everything is not asked several times as much. As of Envoy.
   */
  private static final int LARGEST_PART = 5;

  /** So many may always be. */
  private static final int FEWEST = 3;

  /** A wait is doubled until it is so many times the first one. */
  private static final int LONGEST_WAIT = 10;

  final RetryPolicy policy;
  private final LocalPod pod;
  private final EventLoop loop;
  private final BooleanSupplier counted;
  private final BooleanSupplier room;
  private final Runnable again;
  private @Nullable Copy content; // null: not all of it could be kept
  private boolean sent; // to somebody, as far as it had come
  private final List<InetSocketAddress> tried = new ArrayList<>(1); // the last one last
  private @Nullable Future<?> waiting;
  private boolean holdsPlace; // among those of the pod that are tried again
  private boolean failed; // last, as far as the policy goes
  private boolean exhausted;
  private boolean beyondBudget;
  private int made;
  private int slow;
  private boolean over;

  /**
   * None was made yet.
   *
   * @param content what is kept of the request, empty yet; it is this one's
   * @param counted whether the service called says how many may be asked again at a time: that
   *     counts in the place of the pod's own part
   * @param room whether the upstream may be asked again, as one of so many at a time
   * @param again makes another try
   */
  Retries(
      RetryPolicy policy,
      LocalPod pod,
      EventLoop loop,
      Copy content,
      BooleanSupplier counted,
      BooleanSupplier room,
      Runnable again) {
    this.policy = policy;
    this.pod = pod;
    this.loop = loop;
    this.content = content;
    this.counted = counted;
    this.room = room;
    this.again = again;
    pod.retriable.incrementAndGet();
  }

  /** Keeps a piece that goes to the upstream for the first time. */
  void keep(ByteBuf piece) {
    Copy known = content;
    if (known != null && !known.keep(piece)) {
      known.drop();
      content = null;
    }
  }

  /** It goes to this endpoint now. */
  void goesTo(@Nullable InetSocketAddress endpoint) {
    if (endpoint != null) {
      tried.remove(endpoint);
      tried.add(endpoint);
    }
    sent = true;
  }

  /** Those that were tried, the last one last. */
  List<InetSocketAddress> tried() {
    return tried;
  }

  /** All of the content that was sent already and has to be again is the caller's; or null. */
  @Nullable ByteBuf replayed() {
    Copy known = content;
    return sent && known != null && known.hasContent() ? known.content() : null;
  }

  /** Whether it is tried again after such an answer. */
  boolean takes(int status, @Nullable String grpcStatus) {
    failed = policy.isFailure(status, grpcStatus == null ? "" : grpcStatus);
    return failed && takes();
  }

  /** Whether it is tried again where there was no answer. */
  boolean takes(Silence silence) {
    failed = policy.isFailure(silence);
    return failed && takes();
  }

  /** A try was not waited for any longer. */
  void wasSlow() {
    slow++;
  }

  /** What has come so far, and has gone to somebody, is sent again as a whole or not at all. */
  private boolean takes() {
    if (over || (sent && content == null)) {
      return false;
    }
    if (made >= policy.most()) {
      exhausted = true;
      return false;
    }
    if (!holdsPlace && !counted.getAsBoolean()) {
      if (pod.retrying.incrementAndGet() > Math.max(FEWEST, pod.retriable.get() / LARGEST_PART)) {
        pod.retrying.decrementAndGet();
        beyondBudget = true;
        return false;
      }
      holdsPlace = true;
    }
    if (!room.getAsBoolean()) {
      beyondBudget = true;
      return false;
    }
    long longest =
        Math.min(
            policy.backoffMillis() << Math.min(made, 4), LONGEST_WAIT * policy.backoffMillis());
    made++;
    waiting =
        loop.schedule(
            again,
            ThreadLocalRandom.current().nextLong(TimeUnit.MILLISECONDS.toNanos(longest) + 1),
            TimeUnit.NANOSECONDS);
    return true;
  }

  /** No further try is made: an answer is passed on, which may take long. */
  void settle() {
    if (holdsPlace) {
      holdsPlace = false;
      pod.retrying.decrementAndGet();
    }
    Copy known = content;
    content = null;
    if (known != null) {
      known.drop();
    }
  }

  /** The exchange has ended. */
  void end() {
    if (over) {
      return;
    }
    over = true;
    pod.retriable.decrementAndGet();
    settle();
    Timers.cancel(waiting);
  }

  /** Whether as many tries have failed as there may be. */
  boolean isExhausted() {
    return exhausted;
  }

  /** What is told of it; nothing where the first try was good. */
  List<Retried> told() {
    return made == 0 && !exhausted && !beyondBudget && slow == 0
        ? List.of()
        : List.of(
            new Retried(Retried.Event.RETRY, made),
            new Retried(Retried.Event.BACKOFF_EXPONENTIAL, made),
            new Retried(Retried.Event.SUCCESS, made > 0 && !failed ? 1 : 0),
            new Retried(Retried.Event.LIMIT_EXCEEDED, exhausted ? 1 : 0),
            new Retried(Retried.Event.OVERFLOW, beyondBudget ? 1 : 0),
            new Retried(Retried.Event.PER_TRY_TIMEOUT, slow));
  }
}
