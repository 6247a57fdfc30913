package io.sluice.control.lease;

import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.registry.Rounds;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The Lease that one of several controllers holds. The holder counts its time from before it sent a
 * renewal, the others from when they saw the renewal, and each by its own monotonic clock: so the
 * holder stops first, however their clocks are set. Methods for any thread; one virtual thread of
 * its own.
 */
public final class WriterLease implements AutoCloseable {
  /** Name of the Lease object. */
  public static final String NAME = "sluice-controller";

  private static final Logger LOG = System.getLogger(WriterLease.class.getName());

  private final KubernetesApi api;
  private final String namespace;
  private final String identity;
  private final LeaseTimes times;
  private final InstantSource clock;
  private final AtomicLong transitions = new AtomicLong();
  private final Rounds rounds = new Rounds("sluice-control-lease", this::round);
  private boolean wasHeld; // on its thread
  private long heldUntil;
  private boolean everHeld;
  private @Nullable LeaseRecord seen;
  private long seenSince;
  private boolean seenRenewed;
  private @Nullable String problem;
  private int looks;

  /**
   * Begins to look for the Lease.
   *
   * @param api not owned; its requests take {@link LeaseTimes#request} at most
   * @param replica name of this controller; a random part makes the identity, so that two of the
   *     same name, or one and its predecessor, are two
   * @param clock for the times in the Lease, which nothing is decided by
   */
  public WriterLease(KubernetesApi api, String replica, LeaseTimes times, InstantSource clock) {
    this.api = api;
    this.namespace = api.namespace();
    this.identity = replica + "_" + UUID.randomUUID();
    this.times = times;
    this.clock = clock;
    rounds.start();
  }

  /** Whether this controller may begin a write now. */
  public synchronized boolean isHeld() {
    return everHeld && System.nanoTime() - heldUntil < 0;
  }

  /** Where the Lease is: the namespace of the controllers. */
  public String namespace() {
    return namespace;
  }

  /** How it stands now. */
  public synchronized LeaseState state() {
    LeaseRecord record = seen;
    String holder = record == null ? "" : record.holder();
    boolean isOther = !holder.isEmpty() && !holder.equals(identity);
    boolean isFresh = System.nanoTime() - seenSince < times.duration().toNanos();
    return new LeaseState(
        identity, isHeld(), holder, isOther && seenRenewed && isFresh ? holder : null, problem);
  }

  /** How often this controller began or ceased to hold the Lease. */
  public long transitions() {
    return transitions.get();
  }

  /**
   * Waits until it is known whether another controller is alive: it holds the Lease and renews it
   * under our eyes. A Lease that cannot be read says nothing.
   *
   * @return the identity of the other; empty where none was seen
   */
  public Optional<String> awaitRival() throws InterruptedException {
    Duration longest = times.renew().plus(times.pause()).plus(times.request());
    long end = System.nanoTime() + longest.toNanos();
    synchronized (this) {
      while (state().rival().isEmpty() && !isHeld() && (looks == 0 || problem == null)) {
        long left = Duration.ofNanos(end - System.nanoTime()).toMillis();
        if (left <= 0) {
          break;
        }
        wait(left);
      }
      return state().rival();
    }
  }

  /** Returns the pause until the next: a renewal that failed cannot wait as long as a good one. */
  private Duration round() {
    look();
    boolean held = isHeld();
    if (held != wasHeld) {
      wasHeld = held;
      transitions.incrementAndGet();
      LOG.log(Level.INFO, "controller_lease held={0} holder={1}", held, state().holder());
    }
    synchronized (this) {
      return isHeld() && problem == null ? times.renew() : times.pause();
    }
  }

  private void look() {
    try {
      step();
      told(null);
    } catch (KubernetesApiException e) {
      if (e.failure() == Failure.CONFLICT) {
        forget(); // somebody was first; who, the next look tells
        told(null);
      } else {
        told(e.getMessage() + "; " + mend(e.failure()));
      }
    } catch (RuntimeException e) {
      // Top frame: without this thread nobody would renew.
      LOG.log(Level.ERROR, "controller_lease_failed", e);
      told(e.toString());
    }
  }

  private void step() {
    LeaseRecord known = mine();
    if (known == null) {
      known = read();
      observe(known);
    }
    long asked = System.nanoTime();
    if (known == null) {
      LeaseRecord first = LeaseRecord.first(identity, times.duration(), clock.instant());
      hold(LeaseRecord.parse(api.post(collection(), first.json(namespace, NAME))), asked);
    } else if (known.isHeldBy(identity)) {
      hold(write(known.renewed(times.duration(), clock.instant())), asked);
    } else if (isFree(known)) {
      hold(write(known.taken(identity, times.duration(), clock.instant())), asked);
    }
  }

  /** The record that we wrote last, while it is worth to renew it without another look. */
  private synchronized @Nullable LeaseRecord mine() {
    return isHeld() ? seen : null;
  }

  private @Nullable LeaseRecord read() {
    return api.find(collection() + "/" + NAME).map(LeaseRecord::parse).orElse(null);
  }

  private LeaseRecord write(LeaseRecord record) {
    return LeaseRecord.parse(api.put(collection() + "/" + NAME, record.json(namespace, NAME)));
  }

  private String collection() {
    return "/apis/coordination.k8s.io/v1/namespaces/" + namespace + "/leases";
  }

  private synchronized void observe(@Nullable LeaseRecord now) {
    LeaseRecord before = seen;
    if (now == null) {
      seen = null;
    } else if (before == null || !now.isSameRenewal(before)) {
      seenRenewed = before != null;
      seenSince = System.nanoTime();
      seen = now;
    }
  }

  private synchronized boolean isFree(LeaseRecord known) {
    Duration good = Duration.ofSeconds(known.seconds());
    Duration longest = good.compareTo(times.duration()) > 0 ? good : times.duration();
    return known.holder().isEmpty() || System.nanoTime() - seenSince > longest.toNanos();
  }

  private synchronized void hold(LeaseRecord written, long asked) {
    seen = written;
    seenSince = asked;
    seenRenewed = false;
    heldUntil = asked + times.renewFor().toNanos();
    everHeld = true;
  }

  /** Stops writing at once: another may have the Lease. */
  private synchronized void forget() {
    everHeld = false;
  }

  private synchronized void told(@Nullable String now) {
    if (now != null && !now.equals(problem)) {
      LOG.log(Level.WARNING, "controller_lease_problem {0}", now);
    }
    problem = now;
    looks++;
    notifyAll();
  }

  private String mend(Failure failure) {
    return switch (failure) {
      case FORBIDDEN ->
          "allow it to the controller's account in namespace "
              + namespace
              + ": {apiGroups: [coordination.k8s.io], resources: [leases],"
              + " verbs: [get, create, update]}";
      case UNAUTHENTICATED -> "give the controller a credential that the API server knows";
      case NOT_FOUND -> "make the namespace " + namespace;
      case UNREACHABLE, BUSY, CONFLICT, REJECTED ->
          "until it works this controller writes nothing; it serves nodes as before";
    };
  }

  /** Gives the Lease up, so that another need not wait for its end. */
  @Override
  public void close() {
    rounds.close(); // without an interrupt: what a request has done must be known
    release();
  }

  private void release() {
    LeaseRecord own = mine();
    forget();
    if (own != null) {
      try {
        write(own.released(clock.instant()));
      } catch (KubernetesApiException e) {
        LOG.log(Level.INFO, "controller_lease_not_released {0}", e.getMessage());
      }
    }
  }

  /**
   * How one controller stands among several.
   *
   * @param identity of this one
   * @param held whether it may write now
   * @param holder identity of who has the Lease, as last seen; empty where nobody is known to
   * @param rivalOrNull another one that was seen alive, by its renewals; null for none
   * @param problemOrNull why the Lease cannot be read or written; null where it can
   */
  public record LeaseState(
      String identity,
      boolean held,
      String holder,
      @Nullable String rivalOrNull,
      @Nullable String problemOrNull) {
    /** Another controller that is alive and holds the Lease. */
    public Optional<String> rival() {
      return Optional.ofNullable(rivalOrNull);
    }

    /** Why the Lease cannot be read or written, and what to do. */
    public Optional<String> problem() {
      return Optional.ofNullable(problemOrNull);
    }
  }
}
