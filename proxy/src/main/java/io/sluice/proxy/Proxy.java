package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * The data path of one node: accepts on listeners inside pods, decides by the latest snapshot, and
 * forwards. All methods may be called from any thread.
 */
public final class Proxy implements AutoCloseable {
  private final ProxySettings settings;
  private final PodSockets sockets;
  private final ConnectionListener listener;
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  /** Starts the event loops; nothing is accepted before {@link #serve}. */
  public Proxy(ProxySettings settings, PodSockets sockets, ConnectionListener listener) {
    this.settings = settings;
    this.sockets = sockets;
    this.listener = listener;
  }

  /** Decides new connections by {@code snapshot} from now on; established ones go on. */
  public void publish(MeshSnapshot snapshot) {
    this.snapshot = snapshot;
  }

  /**
   * Accepts on the listeners of a pod and takes their descriptors. Earlier listeners of that pod
   * are closed once they have accepted nothing for {@link ProxySettings#listenerDrainTime()}, after
   * the new ones accept. Completes when the new ones accept; on failure their descriptors are
   * closed and the earlier listeners stay.
   */
  public CompletableFuture<Void> serve(PodListeners listeners) {
    throw new UnsupportedOperationException(settings + " " + sockets + listener + snapshot);
  }

  /** Closes the pod's listeners; completes when they, and the connections to reset, are closed. */
  public CompletableFuture<Void> release(NamespacedName pod, ReleaseMode mode) {
    throw new UnsupportedOperationException();
  }

  /**
   * Closes all listeners, waits until every connection has ended or {@code timeout} is over, then
   * resets the rest. Completes when nothing is left. {@link #serve} is refused from here on.
   */
  public CompletableFuture<Void> drain(Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /** What the proxy holds and has done. */
  public ProxyStats stats() {
    return new ProxyStats(Map.of(), 0, 0, 0, 0, 0, 0);
  }

  /** Resets everything that is left and ends the event loops; waits for them up to 5 s. */
  @Override
  public void close() {}
}
