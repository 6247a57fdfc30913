package io.sluice.proxy.http;

import io.netty.channel.EventLoop;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Connections to applications that a client of a pod has left in peace, for the next client of the
 * same pod: docs/http.md says which, and for which requests, ADR 48 why. All of one event loop, on
 * which everything happens.
 */
public final class IdleLeads implements Lead.Holder {
  /** Few, for clients that ask one after the other: each costs the application one as well. */
  static final int MOST_OF_POD = 16;

  static final int MOST = 64;

  /** So that what a name or a load balancer behind the endpoint has come to mean is asked anew. */
  private static final long LIFE_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** One of them, and since when it waits. */
  private record Left(Lead lead, Upstream reached, long sinceNanos) {}

  private final EventLoop loop;
  private final long idleNanos;
  private final List<Left> waiting = new ArrayList<>(0); // who waits longest stands first
  private boolean looking; // once the first of them has waited too long
  private boolean closed;

  /**
   * None yet.
   *
   * @param idleTime how long each waits at most; zero where none does
   */
  public IdleLeads(EventLoop loop, Duration idleTime) {
    this.loop = loop;
    this.idleNanos = idleTime.toNanos();
    this.closed = idleTime.isZero();
  }

  /**
   * Keeps {@code lead} where it may serve another client of the pod; else says false, and it is the
   * caller's still.
   *
   * @param now the snapshot that decides
   */
  boolean keep(Lead lead, MeshSnapshot now) {
    Upstream reached = lead.upstream;
    long nanos = System.nanoTime();
    if (closed
        || reached == null
        || !lead.mayBeLeft()
        || !reached.mayRest(now)
        || nanos - lead.madeNanos > LIFE_NANOS - idleNanos) {
      return false;
    }
    makeRoom(reached);
    lead.rests(true);
    lead.belongsTo(this);
    waiting.add(new Left(lead, reached, nanos));
    lookLater(idleNanos);
    return true;
  }

  private void makeRoom(Upstream reached) {
    int ofPod = 0;
    Left oldest = null;
    for (Left left : waiting) {
      if (left.reached.isOfPodOf(reached)) {
        oldest = ofPod++ == 0 ? left : oldest;
      }
    }
    if (oldest != null && ofPod >= MOST_OF_POD) {
      waiting.remove(oldest);
      end(oldest);
    } else if (waiting.size() >= MOST) {
      end(waiting.removeFirst());
    }
  }

  /** One that leads where {@code wanted} does, in all that counts; null where there is none. */
  @Nullable Lead take(Upstream wanted) {
    for (int i = waiting.size() - 1; i >= 0; i = Math.min(i, waiting.size()) - 1) {
      Left left = waiting.get(i);
      if (left.reached.servesToo(wanted)) {
        waiting.remove(i);
        if (left.lead.mayBeLeft()
            && left.reached.mayRest(wanted.snapshot())
            && System.nanoTime() - left.sinceNanos < idleNanos) {
          left.lead.rests(false);
          return left.lead;
        }
        end(left);
      }
    }
    return null;
  }

  private void end(Left left) {
    left.lead.end(loop);
    left.reached.end();
  }

  private void lookLater(long nanos) {
    if (!looking) {
      looking = true;
      loop.schedule(this::look, nanos, TimeUnit.NANOSECONDS);
    }
  }

  private void look() {
    looking = false;
    long now = System.nanoTime();
    while (!waiting.isEmpty() && now - waiting.getFirst().sinceNanos >= idleNanos) {
      end(waiting.removeFirst());
    }
    if (!waiting.isEmpty()) {
      lookLater(idleNanos - (now - waiting.getFirst().sinceNanos));
    }
  }

  /** Ends all of them in peace: what they were made by may not hold any more. */
  public void endAll() {
    while (!waiting.isEmpty()) {
      end(waiting.removeLast());
    }
  }

  /** The same, and keeps none from now on. */
  public void close() {
    closed = true;
    endAll();
  }

  /** How many wait. */
  public int size() {
    return waiting.size();
  }

  // --- what becomes of one that waits --------------------------------------------------------

  @Override
  public void idle(Lead lead) {}

  /** The application, or the other side, ends it. */
  @Override
  public void ending(Lead lead) {
    Upstream reached = removed(lead);
    if (reached != null) {
      lead.closeLater(loop);
      reached.end();
    }
  }

  @Override
  public void gone(Lead lead) {
    Upstream reached = removed(lead);
    if (reached != null) {
      reached.end();
    }
  }

  private @Nullable Upstream removed(Lead lead) {
    for (int i = 0; i < waiting.size(); i++) {
      if (waiting.get(i).lead == lead) {
        return waiting.remove(i).reached;
      }
    }
    return null;
  }
}
