package io.sluice.proxy.tls;

import io.netty.buffer.ByteBufAllocator;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.decision.OutsideTls;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * One workload's end of mutual TLS. Each new handshake uses the credentials that the supplier has
 * then, and what the mesh's policy says then; connections that stand keep theirs. Any thread,
 * without locks; making the engines anew after a renewal costs the calling event loop about a
 * millisecond.
 */
public final class TlsIdentity implements AutoCloseable {
  private record Current(
      WorkloadCredentials credentials, TlsParameters parameters, Engines engines) {}

  private final TlsStack stack;
  private final Supplier<WorkloadCredentials> newest;
  private final TlsPolicy policy;
  private final TlsSettings settings;
  private final InstantSource clock;
  private final AtomicReference<@Nullable Current> current = new AtomicReference<>();
  private volatile boolean closed;

  /** Seen by tests. */
  final Handshakes handshakes = new Handshakes();

  /**
   * An end with the system's clock.
   *
   * @param newest never blocks; a new object when the credentials have changed
   */
  public TlsIdentity(
      TlsStack stack,
      Supplier<WorkloadCredentials> newest,
      TlsPolicy policy,
      TlsSettings settings) {
    this(stack, newest, policy, settings, InstantSource.system());
  }

  /**
   * The same by another clock.
   *
   * @param clock by which peers' certificates are judged
   */
  public TlsIdentity(
      TlsStack stack,
      Supplier<WorkloadCredentials> newest,
      TlsPolicy policy,
      TlsSettings settings,
      InstantSource clock) {
    this.stack = stack;
    this.newest = newest;
    this.policy = policy;
    this.settings = settings;
    this.clock = clock;
  }

  /** Who this end is now. */
  public SpiffeId identity() {
    return newest.get().identity();
  }

  /**
   * Whether {@code peer}, with which a connection stands, is to be cut: it is on the deny list now,
   * or is of another mesh whose root this end believes no more. Never blocks.
   */
  public boolean rejects(VerifiedPeer peer) {
    if (policy.denies(peer)) {
      return true;
    }
    try {
      return peer.isForeign() && !newest.get().trusted().stillTrust(peer);
    } catch (IllegalStateException e) {
      return true; // without credentials there are no roots that could vouch for it
    }
  }

  /**
   * The accepting side.
   *
   * @throws IllegalStateException when the credentials cannot be used, or after {@link #close}
   */
  public TlsHandshake accept(ByteBufAllocator allocator, TlsHandshake.Listener listener) {
    return handshake(allocator, Set.of(), listener, true);
  }

  /**
   * The connecting side.
   *
   * @param expected identities that may answer at this destination; not empty
   * @throws IllegalStateException when the credentials cannot be used, or after {@link #close}
   */
  public TlsHandshake connect(
      ByteBufAllocator allocator, Set<SpiffeId> expected, TlsHandshake.Listener listener) {
    if (expected.isEmpty()) {
      throw new IllegalArgumentException("nobody is expected at the destination");
    }
    return handshake(allocator, Set.copyOf(expected), listener, false);
  }

  /**
   * The accepting side towards a client outside the mesh.
   *
   * @throws IllegalStateException when the credentials cannot be used
   */
  public OutsideHandshake outside(OutsideTls asked) {
    WorkloadCredentials credentials = newest.get();
    try {
      return new OutsideHandshake(credentials, policy.parameters(), asked, clock);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the credentials " + credentials + " cannot be used", e);
    }
  }

  /** Within which a handshake has to be over. */
  public Duration handshakeTimeout() {
    return settings.handshakeTimeout();
  }

  private TlsHandshake handshake(
      ByteBufAllocator allocator,
      Set<SpiffeId> expected,
      TlsHandshake.Listener listener,
      boolean server) {
    Current used = retained();
    try {
      SSLEngine engine = server ? used.engines.server(allocator) : used.engines.client(allocator);
      return new TlsHandshake(engine, handshakes, expected, settings.handshakeTimeout(), listener);
    } finally {
      used.engines.release();
    }
  }

  private Current retained() {
    while (true) {
      Current known = current.get();
      WorkloadCredentials wanted = newest.get();
      TlsParameters parameters = policy.parameters();
      if (known != null && known.credentials == wanted && known.parameters.equals(parameters)) {
        if (known.engines.retain()) {
          return known;
        }
        continue; // replaced by another thread in between
      }
      if (closed) {
        throw new IllegalStateException("the TLS end of " + wanted.identity() + " is closed");
      }
      Current made = new Current(wanted, parameters, make(wanted, parameters));
      if (current.compareAndSet(known, made)) {
        if (known != null) {
          known.engines.release();
        }
        if (closed) {
          close();
        }
      } else {
        made.engines.release();
      }
    }
  }

  private Engines make(WorkloadCredentials credentials, TlsParameters parameters) {
    PeerVerifier verifier = new PeerVerifier(credentials.trusted(), policy, clock, handshakes);
    try {
      return Engines.make(stack, parameters, credentials, verifier);
    } catch (SSLException | GeneralSecurityException e) {
      throw new IllegalStateException(
          "the credentials " + credentials + " cannot be used with " + stack, e);
    }
  }

  /** Frees the native part; connections that stand are not touched. */
  @Override
  public void close() {
    closed = true;
    Current known = current.getAndSet(null);
    if (known != null) {
      known.engines.release();
    }
  }
}
