package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * Handshakes in progress by their engine: how a verifier, which the TLS stack calls, learns whom to
 * expect and leaves what it found. Any thread.
 */
final class Handshakes {
  /** One handshake; used by one event loop only. */
  static final class Entry {
    /** Acceptable identities; empty means any of a trusted domain. */
    final Set<SpiffeId> expected;

    @Nullable VerifiedPeer peer;
    @Nullable PeerRefused refusal;

    Entry(Set<SpiffeId> expected) {
      this.expected = expected;
    }
  }

  private final ConcurrentMap<SSLEngine, Entry> entries = new ConcurrentHashMap<>();

  Entry begin(SSLEngine engine, Set<SpiffeId> expected) {
    Entry entry = new Entry(expected);
    entries.put(engine, entry);
    return entry;
  }

  @Nullable Entry of(SSLEngine engine) {
    return entries.get(engine);
  }

  void end(SSLEngine engine) {
    entries.remove(engine);
  }

  int size() {
    return entries.size();
  }
}
