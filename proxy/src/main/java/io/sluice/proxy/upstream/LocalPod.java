package io.sluice.proxy.upstream;

import io.sluice.mesh.LoopbackEndpoints;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.admission.PodLimits;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.SocketSetup;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** A pod from whose network namespace upstreams are reached. Any thread. */
public class LocalPod {
  public final NamespacedName name;

  /** Counts what waits in connections of the pod. */
  public final BufferBudget budget;

  public final SocketSetup sockets;

  /** Of what is done for the pod, and for those that call it from elsewhere. */
  public final Account account;

  /** How many copies of its requests are on their way to mirrors. */
  public final AtomicInteger copies = new AtomicInteger();

  /** Its requests that a Retry is for, and those of them that are tried again. */
  public final AtomicInteger retriable = new AtomicInteger();

  public final AtomicInteger retrying = new AtomicInteger();

  /** Its requests that FaultInjections hold back. */
  public final AtomicInteger delayed = new AtomicInteger();

  /** What has arrived at it that somebody else is asked about. */
  public final AtomicInteger asking = new AtomicInteger();

  /** Of the questions. */
  public final AtomicInteger askingOctets = new AtomicInteger();

  /** What it takes of those who call it. */
  public final PodLimits limits = new PodLimits(System::nanoTime);

  private volatile Loopback loopback = new Loopback(MeshSnapshot.NO_REVISION, Set.of());

  private record Loopback(long revision, Set<InetSocketAddress> endpoints) {}

  /** Of this name, with sockets like these. */
  public LocalPod(NamespacedName name, BufferBudget budget, SocketSetup sockets, Account account) {
    this.name = name;
    this.budget = budget;
    this.sockets = sockets;
    this.account = account;
  }

  /** Whether loopback may stand in where nobody listens at the address {@code called}. */
  final boolean hasLoopbackFor(InetSocketAddress called, MeshSnapshot snapshot) {
    Loopback known = loopback;
    if (known.revision != snapshot.revision()) {
      known =
          new Loopback(
              snapshot.revision(),
              snapshot
                  .workload(name)
                  .map(workload -> LoopbackEndpoints.of(snapshot, workload))
                  .orElse(Set.of()));
      loopback = known;
    }
    return known.endpoints.contains(called);
  }
}
