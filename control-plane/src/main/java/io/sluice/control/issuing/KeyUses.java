package io.sluice.control.issuing;

import io.sluice.mesh.SpiffeId;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which key proves which identity on which node. A request that somebody recorded is of no use
 * without its key, and here it is not even signed again: a key stays with the node and the identity
 * that had it first. The newest keys are remembered, and nothing across a restart. Any thread.
 */
public final class KeyUses {
  /** Two for each pod of the largest mesh, for a week of daily renewals. */
  static final int MOST_KEYS = 16_384;

  private final Map<String, Use> uses =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Use> eldest) {
          return size() > MOST_KEYS;
        }
      };

  /**
   * Notes that {@code nodeName} proves {@code identity} by {@code key}. The same once more is fine:
   * an answer may have been lost on its way.
   *
   * @throws RefusedException where the key belongs to another node or identity
   */
  public void claim(PublicKey key, String nodeName, SpiffeId identity) {
    Use use = new Use(nodeName, identity);
    synchronized (uses) {
      requireSame(uses.putIfAbsent(fingerprint(key), use), use);
    }
  }

  /** Throws as {@link #claim} does, and notes nothing: for those who are not known yet. */
  public void requireFree(PublicKey key, String nodeName, SpiffeId identity) {
    synchronized (uses) {
      requireSame(uses.get(fingerprint(key)), new Use(nodeName, identity));
    }
  }

  private static void requireSame(@Nullable Use first, Use use) {
    if (first != null && !first.equals(use)) {
      throw new RefusedException(
          RefusalReason.KEY_REUSED,
          "the key of this request was used for something else",
          "make a new key for each identity");
    }
  }

  private static String fingerprint(PublicKey key) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getEncoded()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private record Use(String nodeName, SpiffeId identity) {}
}
