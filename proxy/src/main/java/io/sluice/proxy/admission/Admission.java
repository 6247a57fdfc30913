package io.sluice.proxy.admission;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** One request's part of what its service may be asked for. Event loop of the request. */
public final class Admission {
  private static final int FIRST_FAILURE = 500;

  private final ServicePool pool;
  private final NamespacedName pod; // that asks
  private final @Nullable CircuitBreaker breaker; // that has let it pass
  private long beginNanos;
  private ServicePool.@Nullable Place place; // of the connection that carries it
  private @Nullable InetSocketAddress endpoint; // that is asked, until it is told what came of it
  private boolean asked; // the breaker
  private boolean tries; // in the place of all others
  private long triesSince;
  private boolean sends; // there is more of the request to come
  private boolean told; // the breaker, what it has come to
  private boolean running;
  private boolean waiting;
  private boolean repeats;

  /** Of nothing yet, for {@code pod}. */
  public Admission(ServicePool pool, NamespacedName pod) {
    this.pool = pool;
    this.pod = pod;
    this.breaker = pool.breaker();
    this.beginNanos = breaker == null ? 0 : pool.now();
  }

  /** Whether it is of that service. */
  public boolean isOf(ServicePool other) {
    return pool == other;
  }

  /** Why it is not led on, as one of the requests on their way; null where it is. */
  public @Nullable Reason begin() {
    CircuitBreaker rules = breaker;
    if (waiting && rules != null) {
      beginNanos = pool.now(); // what it waited here is not the service's
    }
    endWaiting();
    if (rules != null && !asked) {
      CircuitBreaker.Answer answer = rules.ask(beginNanos);
      if (answer == CircuitBreaker.Answer.SPARE) {
        return Reason.CIRCUIT_OPEN;
      }
      asked = true;
      tries = answer == CircuitBreaker.Answer.TRY;
      triesSince = beginNanos;
    }
    running = running || pool.beginRequest(pod);
    return running ? null : Reason.UPSTREAM_OVERFLOW;
  }

  /** Refused for that reason, by what says so of its service. */
  public Verdict refusal(Reason reason) {
    return pool.refusal(reason);
  }

  /** What says how it is answered in the place of the service; null where nothing does. */
  public @Nullable Breaker rules() {
    return breaker == null ? null : breaker.rules();
  }

  /** Whether it may wait for a connection; it is none of those on their way meanwhile. */
  public boolean mayWait() {
    endRunning();
    waiting = waiting || pool.beginWaiting(pod);
    return waiting;
  }

  /** Whether the service says how many may be sent again at a time. */
  public boolean countsRetries() {
    return pool.countsRetries();
  }

  /** Whether it may be sent again, now that its connection is gone. */
  public boolean mayRepeat() {
    repeats = repeats || pool.beginRetry(pod);
    if (repeats) {
      leaveConnection();
    }
    return repeats;
  }

  /** It is not sent again any more. */
  public void settle() {
    if (repeats) {
      repeats = false;
      pool.endRetry(pod);
    }
  }

  /** There is more of the request to come: how long the client takes is not the service's. */
  public void sends() {
    sends = true;
  }

  /** The request has come whole: from now on an answer may be slow. */
  public void isWhole() {
    if (sends) {
      sends = false;
      beginNanos = pool.now();
    }
  }

  /** The answer was not good enough: what is told of the next try counts for itself. */
  public void nextTry() {
    giveTrialBack();
    endRunning();
    endpoint = null;
    asked = false;
    tries = false;
    told = false;
    beginNanos = breaker == null ? 0 : pool.now();
  }

  /** Which connection carries it. */
  public void isOn(ServicePool.Place connection) {
    place = connection;
  }

  /** Which endpoint is asked by it. */
  public void isAt(InetSocketAddress asked) {
    endpoint = asked;
  }

  /** The service has answered with that status. */
  public void answered(int status) {
    tell(status >= FIRST_FAILURE);
  }

  /** The service has not answered, and was to. */
  public void failed() {
    tell(true);
  }

  private void tell(boolean failed) {
    InetSocketAddress known = endpoint;
    if (known != null) {
      endpoint = null;
      pool.told(known, failed);
    }
    CircuitBreaker rules = breaker;
    if (rules == null || !asked || told || !running) {
      return;
    }
    told = true;
    long now = pool.now();
    long nanos = sends ? 0 : now - beginNanos;
    if (tries) {
      rules.tried(failed, nanos, triesSince, now);
    } else {
      rules.answered(failed, nanos, now);
    }
  }

  /** It is over; the connection may carry another one. */
  public void end() {
    giveTrialBack();
    endRunning();
    endWaiting();
    settle();
    leaveConnection(); // last: who waits for it may begin by that
  }

  private void giveTrialBack() {
    CircuitBreaker rules = breaker;
    if (rules != null && tries && !told) {
      told = true;
      rules.untried(triesSince);
    }
  }

  private void endRunning() {
    if (running) {
      running = false;
      pool.endRequest(pod);
    }
  }

  private void endWaiting() {
    if (waiting) {
      waiting = false;
      pool.endWaiting(pod);
    }
  }

  private void leaveConnection() {
    ServicePool.Place connection = place;
    place = null;
    if (connection != null) {
      connection.exit();
    }
  }
}
