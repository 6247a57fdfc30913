package io.sluice.proxy.upstream;

import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.admission.ServicePools;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What all upstreams of one proxy share. Any thread. */
public class Means {
  private static final Logger LOG = System.getLogger(Means.class.getName());
  private static final long WARNING_PAUSE_NANOS = 1_000_000_000;

  public final ProxySettings settings;
  public final PodSockets sockets;
  public final WorkloadIdentities identities;
  public final LocalConnections localConnections = new LocalConnections();
  public final ServicePools pools = new ServicePools(System::nanoTime);

  /** Endpoints that are not asked for anything while they are not well. */
  public final HealthChecks health = new HealthChecks(this);

  /** Endpoints that get less than their share because they are new. */
  public final WarmUps warmUps = new WarmUps(System::nanoTime, System::currentTimeMillis);

  /** Pods with listeners of ours: what is sent to one of them does not leave the node. */
  public final Map<NamespacedName, LocalPod> served = new ConcurrentHashMap<>();

  private final AtomicLong lastWarningNanos = new AtomicLong(System.nanoTime());

  /** Nothing is open yet. */
  public Means(ProxySettings settings, PodSockets sockets, WorkloadIdentities identities) {
    this.settings = settings;
    this.sockets = sockets;
    this.identities = identities;
  }

  /**
   * Logs a failure that may come with every connection: as a warning at most once per second, else
   * for debugging only.
   */
  public final void failed(String event, NamespacedName pod, @Nullable Throwable cause) {
    failed(event + " pod=" + pod, cause);
  }

  /** The same of what no pod has caused. */
  public final void failed(String event, @Nullable Throwable cause) {
    long now = System.nanoTime();
    long last = lastWarningNanos.get();
    boolean due =
        now - last >= 0 && lastWarningNanos.compareAndSet(last, now + WARNING_PAUSE_NANOS);
    LOG.log(due ? Level.WARNING : Level.DEBUG, event, cause);
  }
}
