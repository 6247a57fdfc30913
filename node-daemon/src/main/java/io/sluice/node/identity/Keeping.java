package io.sluice.node.identity;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.store.StoreException;
import io.sluice.node.identity.x509.Credential;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
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

  /**
   * What an earlier daemon left, as far as it can be used: damaged files, other nodes' and ended
   * certificates are told and passed over.
   *
   * @param store where to keep from now on; empty when it cannot be used
   * @param node the node's own
   * @param workloads the pods', all of which lead to a trusted root
   * @param problem why there is no store; empty when there is
   */
  record KeptState(
      Optional<CredentialStore> store,
      Optional<KeptNode> node,
      List<Credential> workloads,
      String problem) {
    /** Nothing. */
    static final KeptState NONE = new KeptState(Optional.empty(), Optional.empty(), List.of(), "");

    private static final System.Logger LOG = System.getLogger(KeptState.class.getName());

    /**
     * Reads what is kept in the directory.
     *
     * @param passed workloads' from the daemon that ran until now; they go before older ones
     */
    static KeptState read(
        String nodeName,
        Path directory,
        ControlSettings settings,
        List<Credential> passed,
        Instant now) {
      CredentialStore store;
      try {
        store =
            CredentialStore.open(
                directory,
                settings.sealKey().orElseGet(() -> CredentialStore.usualKeyFile(directory)));
      } catch (StoreException e) {
        tell(e);
        return new KeptState(
            Optional.empty(), Optional.empty(), List.of(), String.valueOf(e.getMessage()));
      }
      Optional<KeptNode> node = node(store, nodeName, now);
      Map<NamespacedName, Credential> workloads = new LinkedHashMap<>();
      kept(store, settings.keepKeys())
          .forEach(
              one -> workloads.merge(one.identity().serviceAccountName(), one, KeptState::later));
      passed.forEach(one -> workloads.put(one.identity().serviceAccountName(), one));
      return new KeptState(
          Optional.of(store),
          node,
          workloads.values().stream()
              .filter(one -> node.isPresent() && isUsable(one, node.get(), now))
              .toList(),
          "");
    }

    private static Optional<KeptNode> node(CredentialStore store, String nodeName, Instant now) {
      try {
        Optional<KeptNode> node = store.node();
        if (node.isPresent()) {
          KeptNode known = node.get();
          SpiffeId expected = SystemIdentity.node(known.roots().trustDomain(), nodeName);
          SpiffeId held = known.credential().identity();
          if (!known.roots().domains().contains(held.trustDomain())
              || !held.in(expected.trustDomain()).equals(expected)) {
            LOG.log(
                System.Logger.Level.ERROR,
                "identity_not_used the kept certificate is of "
                    + known.credential().identity()
                    + " and not of "
                    + expected
                    + "; it is written over at the next admission");
            return Optional.empty();
          }
          if (now.isAfter(known.credential().end())) {
            LOG.log(
                System.Logger.Level.WARNING,
                "node_certificate_ended at " + known.credential().end() + "; admission is needed");
          }
        }
        return node;
      } catch (StoreException e) {
        tell(e);
        return Optional.empty();
      }
    }

    private static Credential later(Credential one, Credential other) {
      return one.receivedAt().isAfter(other.receivedAt()) ? one : other;
    }

    private static List<Credential> kept(CredentialStore store, boolean keep) {
      try {
        if (!keep) {
          store.forgetWorkloads(); // an earlier daemon may have kept some
          return List.of();
        }
        return store.workloads(KeptState::tell);
      } catch (StoreException e) {
        tell(e);
        return List.of();
      }
    }

    /** Its begin does not count: a machine without a battery wakes up in the past. */
    private static boolean isUsable(Credential one, KeptNode node, Instant now) {
      try {
        SpiffeId proven = node.roots().judge().proveKept(one.chain(), now).identity();
        if (!proven.equals(one.identity())) {
          throw new CertificateException("it is of " + proven);
        }
        var _ =
            new WorkloadCredentials(one.identity(), one.chain(), one.key(), node.roots().bundles());
        return true;
      } catch (CertificateException | RuntimeException e) {
        // It was sealed, but by a release that may have gone by other rules.
        LOG.log(
            System.Logger.Level.WARNING,
            "identity_not_used the kept certificate of " + one.identity() + ": " + e.getMessage());
        return false;
      }
    }

    private static void tell(StoreException problem) {
      LOG.log(System.Logger.Level.ERROR, "identity_not_used " + problem.getMessage());
    }
  }
}
