package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.store.StoreException;
import io.sluice.node.identity.x509.Credential;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes certificates to the store, one after another on a virtual thread, and again later what
 * could not be written: a full disk costs a restart its certificates, not the running daemon. Any
 * thread; never waits for the disk. Of several changes of one certificate the latest is written.
 */
final class Keeping implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Keeping.class.getName());
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
  private static final String NODE = "node"; // no identity is called so

  private final Optional<CredentialStore> store;
  private final boolean workloadsToo;

  // Guarded by this; as many entries as certificates.
  private final LinkedHashMap<String, Consumer<CredentialStore>> pending = new LinkedHashMap<>();
  private @Nullable Thread writer;

  private volatile String problem;

  /**
   * Keeps in {@code store}, where there is one.
   *
   * @param problem why there is none; empty where there is
   */
  Keeping(Optional<CredentialStore> store, boolean workloadsToo, String problem) {
    this.store = store;
    this.workloadsToo = workloadsToo;
    this.problem = problem;
  }

  /** Why something is not kept that should be; empty when all is. */
  String problem() {
    return problem;
  }

  void save(KeptNode node) {
    add(NODE, target -> target.saveNode(node));
  }

  void save(Credential workload) {
    if (workloadsToo) {
      add(workload.identity().toString(), target -> target.saveWorkload(workload));
    }
  }

  void forget(SpiffeId identity) {
    if (workloadsToo) {
      add(identity.toString(), target -> target.forgetWorkload(identity));
    }
  }

  private synchronized void add(String subject, Consumer<CredentialStore> change) {
    if (store.isPresent()) {
      pending.put(subject, change);
      retry();
    }
  }

  /** Writes what is not written yet. */
  synchronized void retry() {
    if (writer == null && !pending.isEmpty()) {
      writer = Thread.ofVirtual().name("sluice-identity-store").start(this::writeAll);
    }
  }

  private void writeAll() {
    try {
      Map.Entry<String, Consumer<CredentialStore>> next = next();
      while (next != null) {
        next.getValue().accept(store.orElseThrow());
        written(next);
        next = next();
      }
      works();
    } catch (StoreException e) {
      fails(String.valueOf(e.getMessage()));
      synchronized (this) {
        writer = null;
      }
    }
  }

  private synchronized Map.@Nullable Entry<String, Consumer<CredentialStore>> next() {
    if (pending.isEmpty()) {
      writer = null; // under the same lock that adds: nothing is left behind
      return null;
    }
    return Map.entry(pending.firstEntry().getKey(), pending.firstEntry().getValue());
  }

  private synchronized void written(Map.Entry<String, Consumer<CredentialStore>> change) {
    pending.remove(change.getKey(), change.getValue()); // unless it has changed again
  }

  private void works() {
    if (!problem.isEmpty()) {
      problem = "";
      LOG.log(System.Logger.Level.INFO, "identity_kept_again");
    }
  }

  private void fails(String met) {
    if (!met.equals(problem)) {
      problem = met;
      LOG.log(System.Logger.Level.WARNING, "identity_not_kept " + met);
    }
  }

  /** Waits a moment for what is being written. */
  @Override
  public void close() {
    Thread last;
    synchronized (this) {
      last = writer;
    }
    try {
      if (last != null && !last.join(CLOSE_TIMEOUT)) {
        LOG.log(System.Logger.Level.WARNING, "identity_not_kept the disk does not answer in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
